"""Imports of files on a page: upload, mapping, preview, import, report, undo. The service `importing` does the work.

`routes`        the pages
`api`           the same actions as JSON
`upstream`      what both ask of the service
`mapping_form`  the form of a mapping ↔ the settings of an import
`words`         states, figures and findings in Chinese
"""
