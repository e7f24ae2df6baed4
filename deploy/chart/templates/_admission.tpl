{{- /*
How the API server is told what to send. An expression that fails refuses the request under Fail and skips the webhook
under Ignore, so none can: fields that may be absent are selected with `?`.
*/ -}}

{{- define "tagpin.configurationMetadata" -}}
name: tagpin
labels:
  {{- include "tagpin.webhook.labels" . | nindent 2 }}
{{- $annotations := .Values.webhooks.annotations -}}
{{- if eq .Values.certificates.source "cert-manager" -}}
{{- $annotations = merge (dict "cert-manager.io/inject-ca-from" (printf "%s/tagpin-webhook" .Release.Namespace)) $annotations -}}
{{- end -}}
{{- with $annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* No caBundle where something else writes it: a field that is never rendered is never blanked by the next apply. */ -}}
{{- define "tagpin.clientConfig" -}}
service:
  name: tagpin-webhook
  namespace: {{ .root.Release.Namespace }}
  path: {{ .path }}
  port: 443
{{- if eq .root.Values.certificates.source "files" }}
caBundle: {{ .root.Values.certificates.files.caBundle | b64enc }}
{{- end }}
{{- end }}

{{- define "tagpin.namespaceSelector" -}}
{{- $selector := .Values.webhooks.namespaceSelector | default (dict "matchLabels" (dict "tagpin.dev/inject" "enabled")) -}}
matchExpressions:
  - key: kubernetes.io/metadata.name
    operator: NotIn
    values:
      - kube-system
      - kube-node-lease
      - {{ .Release.Namespace }}
      {{- range .Values.webhooks.excludedNamespaces }}
      - {{ . }}
      {{- end }}
  {{- with $selector.matchExpressions }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $selector.matchLabels }}
matchLabels:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Each Job meets exactly one of the entries. Who made it is a user's word: only the failure policy hangs on it. */ -}}
{{- define "tagpin.jobOfCronJob" -}}
object.metadata.?ownerReferences.orValue([]).exists(owner, owner.?controller.orValue(false) && owner.kind == 'CronJob' && owner.apiVersion.startsWith('batch/'))
{{- end }}

{{- /* What tagpin reads of an object besides its images. */ -}}
{{- define "tagpin.annotationChanged" -}}
['tagpin.dev/pins', 'tagpin.dev/refresh', 'tagpin.dev/skip'].exists(key, object.metadata.?annotations[?key] != oldObject.metadata.?annotations[?key])
{{- end }}

{{- /*
Asks the stored object alone: a deletionTimestamp that somebody sends is not one that the API server keeps.
*/ -}}
{{- define "tagpin.conditions" -}}
- name: not-being-deleted
  expression: oldObject == null || !has(oldObject.metadata.deletionTimestamp)
{{- with .Values.webhooks.matchConditions }}
{{ toYaml . }}
{{- end }}
{{- end }}
