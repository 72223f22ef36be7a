"""Imports over HTTP: uploaded files, and the jobs that preview them, import them, and take them back.

    upload (0600 file, digest, kind)  →  settings (format, mapping, source)  →  preview  →  run of this preview  →  undo

`upload_folder`   the files: what was uploaded, and what each job has written
`keeping`         how long the files stay
`store`           uploads and jobs in the service's database
`settings`        how a file is read, as a client states it
`runner`          does one job at a time
`steps`           what a job does
`plan_digest`     one digest over everything that a run would release
`before_after`    the values of changed fields, before and after
`outcome`         what a job found, as JSON
`suggestion`      a suggested mapping, with examples of values
`refusals_zh`     why a whole file is refused, in Chinese
`sources_client`  HTTP of catalog and guides, as the person who asked
"""
