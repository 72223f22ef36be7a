{{- /* What the container of a job has in common with another; the memory is that of compose's jobs. */ -}}
{{- define "tongyuan.job" -}}
securityContext: {{- include "tongyuan.contained" . | nindent 2 }}
resources:
  requests: {cpu: {{ .root.Values.cpu | quote }}, memory: 300Mi}
  limits: {memory: 300Mi}
env: {{- include "tongyuan.env" . | nindent 2 }}
volumeMounts: {{- include "tongyuan.mounts" . | nindent 2 }}
{{- end -}}
