{{- /* REPOSITORY:TAG, or REPOSITORY@DIGEST where somebody has pinned it. */ -}}
{{- define "edge.image" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end -}}
{{- end -}}

{{- /* What tagpin looks after in a workload: the images that nobody has pinned, as a list of entries of tagpin.dev/follow. */ -}}
{{- define "edge.follow" -}}
{{- $entries := list -}}
{{- $adopt := list -}}
{{- range $container, $key := .containers -}}
{{- if not (index $.images $key).digest -}}
{{- $entries = append $entries (dict "container" $container) -}}
{{- $adopt = append $adopt (printf "%s=tracebloc.io/last-refreshed-%s-digest" $container (kebabcase $key)) -}}
{{- end -}}
{{- end -}}
{{- with .ingestor -}}
{{- if not $.images.ingestor.digest -}}
{{- $image := printf "%s:%s" $.images.ingestor.repository $.images.ingestor.tag -}}
{{- $entries = append $entries (dict "image" $image "action" "set-env" "container" . "env" "INGESTOR_IMAGE_DIGEST") -}}
{{- $adopt = append $adopt "INGESTOR_IMAGE_DIGEST=tracebloc.io/last-refreshed-ingestor-digest" -}}
{{- end -}}
{{- end -}}
{{- with $entries }}
  annotations:
    tagpin.dev/follow: {{ toJson . | quote }}
    tagpin.dev/adopt-from: {{ join "," $adopt | quote }}
{{- end -}}
{{- end -}}
