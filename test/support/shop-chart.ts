import { stringify } from 'yaml';

/** How a chart of a test makes an image of its values. */
export type ImageHelper =
  /** `NAME:TAG`. */
  | 'colon'
  /** `NAME@TAG` where the tag is `sha256:…`, and `NAME:TAG` else. */
  | 'at'
  /** `NAME:TAG`, and `@DIGEST` after it where there is one. */
  | 'digest value'
  /** The value `image.spec`, where there is one, in place of all that. */
  | 'whole';

const HELPERS: Readonly<Record<ImageHelper, string>> = {
  colon: '{{ .Values.image.name }}:{{ .Values.image.tag }}',
  at: '{{ .Values.image.name }}{{ if hasPrefix "sha256:" .Values.image.tag }}@{{ else }}:{{ end }}{{ .Values.image.tag }}',
  'digest value':
    '{{ .Values.image.name }}:{{ .Values.image.tag }}{{ if .Values.image.digest }}@{{ .Values.image.digest }}{{ end }}',
  whole:
    '{{ if .Values.image.spec }}{{ .Values.image.spec }}{{ else }}{{ .Values.image.name }}:{{ .Values.image.tag }}{{ end }}',
};

/** The files of a chart with one Deployment, named after the release, whose image is made of values. */
export function shopChart(
  helper: ImageHelper,
  image: { readonly name: string; readonly tag: string },
): Readonly<Record<string, string>> {
  const labels = { app: '{{ .Release.Name }}' };
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: '{{ .Release.Name }}' },
    spec: {
      replicas: 1,
      selector: { matchLabels: labels },
      template: { metadata: { labels }, spec: { containers: [{ name: 'web', image: '{{ include "image" . }}' }] } },
    },
  };
  return {
    'Chart.yaml': stringify({ apiVersion: 'v2', name: 'shop', version: '0.1.0' }),
    'values.yaml': stringify({ image: { ...image, digest: '', spec: '' } }),
    'templates/_helpers.tpl': `{{- define "image" -}}${HELPERS[helper]}{{- end -}}\n`,
    'templates/deployment.yaml': stringify(deployment, { lineWidth: 0 }),
  };
}
