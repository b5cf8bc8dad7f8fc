{{- define "common.podSpec" -}}
serviceAccountName: {{ .Chart.Name }}
securityContext:
  runAsNonRoot: true
containers:
  - name: {{ .Chart.Name }}
    image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
    ports:
      - name: http
        containerPort: {{ .Values.port }}
    envFrom:
      - configMapRef:
          name: {{ .Chart.Name }}
    readinessProbe:
      httpGet:
        path: /ready
        port: http
      periodSeconds: 10
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
{{- end }}

{{- define "common.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Chart.Name }}
  labels:
    {{- include "common.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  strategy:
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  selector:
    matchLabels:
      {{- include "common.selector" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "common.labels" . | nindent 8 }}
      annotations:
        checksum/config: {{ toJson .Values.config | sha256sum }}
    spec:
      {{- include "common.podSpec" . | nindent 6 }}
{{- end }}
