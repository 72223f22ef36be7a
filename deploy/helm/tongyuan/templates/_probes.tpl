{{- /*
/healthz: the process answers. /readyz: it reaches what it needs; only this says whether it gets requests. With TLS it
asks for a certificate, which the kubelet has not, so the process asks itself.
*/ -}}
{{- define "tongyuan.probe" -}}
{{- if .root.Values.tls.enabled -}}
exec: {command: [python, -m, shared.probe, {{ .path }}]}
{{- else -}}
httpGet: {path: {{ .path }}, port: http}
{{- end -}}
{{- end -}}

{{- define "tongyuan.probes" -}}
{{- $alive := include "tongyuan.probe" (dict "root" .root "path" "/healthz") -}}
startupProbe:
  {{- $alive | nindent 2 }}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 60
livenessProbe:
  {{- $alive | nindent 2 }}
  periodSeconds: 15
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  {{- include "tongyuan.probe" (dict "root" .root "path" "/readyz") | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}
