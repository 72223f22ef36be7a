"""What the machine found in a text, for each gate. It finds and never passes: persons sign.

`finding`     one finding, and the texts of a body
`word_lists`  the county's own word lists, from files
`secrecy`     保密关: personal data, marks of secret papers
`wording`     文字关, 政策关: placeholders, doubled words, width of characters
`legal`       法律关: no basis, a repealed one
`finder`      all rules over one body
"""
