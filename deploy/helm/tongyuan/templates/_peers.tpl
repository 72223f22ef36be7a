{{- /* A peer of a NetworkPolicy: the pods of one process, job or gateway of this release. */ -}}
{{- define "tongyuan.peer" -}}
podSelector:
  matchLabels: {{- include "tongyuan.selector" . | nindent 4 }}
{{- end -}}

{{- define "tongyuan.toNames" -}}
- to: {{- toYaml .Values.network.dns | nindent 4 }}
  ports: [{port: 53, protocol: UDP}, {port: 53, protocol: TCP}]
{{- end -}}

{{- define "tongyuan.toDatabase" -}}
- to: {{- toYaml .Values.network.postgres | nindent 4 }}
  ports: [{port: {{ .Values.postgres.port }}, protocol: TCP}]
{{- end -}}

{{- define "tongyuan.toBroker" -}}
- to: {{- toYaml .Values.network.rabbitmq | nindent 4 }}
  ports: [{port: {{ ternary .Values.rabbitmq.tlsPort .Values.rabbitmq.port .Values.tls.enabled }}, protocol: TCP}]
{{- end -}}
