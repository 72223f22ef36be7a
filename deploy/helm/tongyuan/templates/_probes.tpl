{{- /*
/healthz: the process answers. /readyz: it reaches what it needs; only this decides whether it gets requests. A process
that does not answer for five minutes is started again; it may be busy for long while it applies a whole ledger.
With TLS a process wants a certificate, which the kubelet does not have, so it asks itself whether it is ready. Whether
it is alive is then only whether it listens: after an ended certificate a restart would not help (docs/operating/tls.md).
*/ -}}
{{- define "tongyuan.probes" -}}
{{- $tls := .root.Values.tls.enabled -}}
{{- $alive := ternary "tcpSocket: {port: http}" "httpGet: {path: /healthz, port: http}" $tls -}}
startupProbe:
  {{ $alive }}
  periodSeconds: 2
  timeoutSeconds: 5
  failureThreshold: 150
livenessProbe:
  {{ $alive }}
  periodSeconds: 30
  timeoutSeconds: 5
  failureThreshold: 10
readinessProbe:
  {{- if $tls }}
  exec: {command: [python, -m, shared.probe]}
  periodSeconds: 15
  {{- else }}
  httpGet: {path: /readyz, port: http}
  periodSeconds: 5
  {{- end }}
  timeoutSeconds: 5
  failureThreshold: 3
{{- end -}}
