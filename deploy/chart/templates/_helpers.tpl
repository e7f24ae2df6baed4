{{- define "tagpin.labels" -}}
app.kubernetes.io/name: tagpin
app.kubernetes.io/part-of: tagpin
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
{{- end }}

{{- define "tagpin.webhook.selector" -}}
app.kubernetes.io/name: tagpin
app.kubernetes.io/component: webhook
{{- end }}

{{- define "tagpin.webhook.labels" -}}
{{ include "tagpin.labels" . }}
app.kubernetes.io/component: webhook
{{- end }}

{{- define "tagpin.sweeper.selector" -}}
app.kubernetes.io/name: tagpin
app.kubernetes.io/component: sweeper
{{- end }}

{{- define "tagpin.sweeper.labels" -}}
{{ include "tagpin.labels" . }}
app.kubernetes.io/component: sweeper
{{- end }}

{{- /* Of {image, root}: by digest where there is one. */ -}}
{{- define "tagpin.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end -}}
{{- end }}

{{- /* The names that the API server and people in the cluster call the webhook by. */ -}}
{{- define "tagpin.webhook.hosts" -}}
{{- range list "" ".cluster.local" }}
- tagpin-webhook.{{ $.Release.Namespace }}.svc{{ . }}
{{- end }}
- tagpin-webhook.{{ .Release.Namespace }}
{{- end }}
