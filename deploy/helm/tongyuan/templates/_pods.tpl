{{- /*
The image of a process: the new one from its stage on, the former one before. Nothing else of a pod may say the version:
it would be replaced at the first stage.
*/ -}}
{{- define "tongyuan.image" -}}
{{- $image := .root.Values.image -}}
{{- $new := le (int .stage) (int .root.Values.upTo) -}}
{{- $digest := ternary (printf "@%s" $image.digest) "" (ne $image.digest "") -}}
{{- $tag := ternary (printf "%s%s" ($image.tag | default .root.Chart.AppVersion) $digest) $image.before $new -}}
{{- if not $tag }}{{ fail "image.before: must name the former tag, and its digest, while upTo is less than 8" }}{{ end -}}
{{ $image.repository }}:{{ $tag }}
{{- end -}}

{{- define "tongyuan.selector" -}}
app.kubernetes.io/name: tongyuan
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end -}}

{{- define "tongyuan.labels" -}}
{{ include "tongyuan.selector" . }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end -}}

{{- define "tongyuan.contained" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{- /* What a pod of our image has in common: process, job, command line. */ -}}
{{- define "tongyuan.pod" -}}
{{- $values := .root.Values -}}
automountServiceAccountToken: false
# Kubernetes would set a variable for each Service, and TONGYUAN_PORT if one is named so.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  {{- with $values.volumes.fsGroup }}
  fsGroup: {{ int . }}
  # Always would open the keys to the group each time, and a process refuses a key that others may read.
  fsGroupChangePolicy: OnRootMismatch
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- if $values.tls.enabled }}
initContainers:
  # A file of a Secret is readable by a group; a process takes no such key.
  - name: certificates
    image: {{ include "tongyuan.image" . }}
    command: [install, -m, "0600", -t, /tls/{{ .name }}, /given/ca.pem, /given/certificate.pem, /given/key.pem]
    securityContext: {{- include "tongyuan.contained" . | nindent 6 }}
    resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 32Mi}}
    volumeMounts:
      - {name: given, mountPath: /given, readOnly: true}
      - {name: tls, mountPath: /tls/{{ .name }}}
{{- end }}
volumes:
  - {name: tmp, emptyDir: {medium: Memory, sizeLimit: 16Mi}}
  {{- if $values.tls.enabled }}
  - {name: tls, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
  - {name: given, secret: {secretName: "{{ $values.tls.secretPrefix }}{{ .name }}"}}
  {{- end }}
  {{- range .one.volumes }}
  {{- if eq .kind "claim" }}
  - {name: {{ .name }}, persistentVolumeClaim: {claimName: {{ .name }}}}
  {{- else if $values.volumes.wordLists }}
  - {name: {{ .name }}, configMap: {name: {{ $values.volumes.wordLists | quote }}}}
  {{- else }}
  - {name: {{ .name }}, emptyDir: {}}
  {{- end }}
  {{- end }}
{{- end -}}

{{- define "tongyuan.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- if .root.Values.tls.enabled }}
- {name: tls, mountPath: /tls/{{ .name }}, readOnly: true}
{{- end }}
{{- range .one.volumes }}
- {name: {{ .name }}, mountPath: {{ .path }}, readOnly: {{ .readOnly }}}
{{- end }}
{{- end -}}

{{- define "tongyuan.env" -}}
- {name: TONGYUAN_REGION, value: {{ .root.Values.county.region | quote }}}
- {name: TONGYUAN_COUNTY, value: {{ .root.Values.county.name | quote }}}
- {name: TONGYUAN_REVIEW, value: {{ .root.Values.county.review | quote }}}
- {name: TONGYUAN_HOST, value: {{ .root.Values.network.listen | quote }}}
- {name: PYTHONUNBUFFERED, value: "1"}
{{- range .one.env }}
- {{ toJson . }}
{{- end }}
{{- $settings := .root.Values.settings }}
{{- range $name, $default := .one.settings }}
{{- with get $settings $name | default $default }}
- {name: {{ $name }}, value: {{ . | quote }}}
{{- end }}
{{- end }}
{{- end -}}
