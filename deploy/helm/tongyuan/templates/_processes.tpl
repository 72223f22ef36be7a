{{- /*
What the manifests of the services say (services/<name>/manifest.py): processes, jobs and volumes. Made by
`python -m services.deployment`; change the manifest, not this file.
*/ -}}

{{- define "tongyuan.processes" -}}
{{- $scheme := ternary "https" "http" .Values.tls.enabled -}}
# made of the manifests: processes
catalog:
  kind: StatefulSet
  stage: 7
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger]
  callers: [applications, auditor, console, importing, applications-worker, ledger-worker]
  people: [editors]
  public: false
  broker: true
  outside: ""
  volumes:
    - {name: catalog-key, path: /var/lib/tongyuan-catalog, kind: claim, readOnly: false}
    - {name: word-lists, path: /var/lib/tongyuan-word-lists, kind: configMap, readOnly: true}
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_SOURCE_KEY_FILE, value: "/var/lib/tongyuan-catalog/key.pem"}
    - {name: TONGYUAN_WORD_LISTS, value: "/var/lib/tongyuan-word-lists"}
    - {name: TONGYUAN_ADMIN_TOKEN_HASH, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: TONGYUAN_ADMIN_TOKEN_HASH}}}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_CATALOG}}}
    - {name: CALLER_PUBLIC_APPLICATIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_APPLICATIONS}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_IMPORTING, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_IMPORTING}}}
    - {name: CALLER_PUBLIC_APPLICATIONS_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_APPLICATIONS_WORKER}}}
    - {name: CALLER_PUBLIC_LEDGER_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_LEDGER_WORKER}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "applications+$(CALLER_PUBLIC_APPLICATIONS),auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),importing+$(CALLER_PUBLIC_IMPORTING),applications-worker+$(CALLER_PUBLIC_APPLICATIONS_WORKER),ledger-worker+$(CALLER_PUBLIC_LEDGER_WORKER),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_CATALOG, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_CATALOG}}}
    - {name: TONGYUAN_CATALOG_DATABASE_URL, value: "postgresql://catalog:$(POSTGRES_PASSWORD_CATALOG)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_CATALOG, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_CATALOG}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://catalog:$(RABBITMQ_PASSWORD_CATALOG)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/catalog"}
    {{- end }}
guides:
  kind: StatefulSet
  stage: 7
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger]
  callers: [web, mobile, kiosk, portal, auditor, console, importing, ledger-worker]
  people: [editors]
  public: false
  broker: true
  outside: ""
  volumes:
    - {name: guides-key, path: /var/lib/tongyuan-guides, kind: claim, readOnly: false}
    - {name: word-lists, path: /var/lib/tongyuan-word-lists, kind: configMap, readOnly: true}
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_SOURCE_KEY_FILE, value: "/var/lib/tongyuan-guides/key.pem"}
    - {name: TONGYUAN_WORD_LISTS, value: "/var/lib/tongyuan-word-lists"}
    - {name: TONGYUAN_ADMIN_TOKEN_HASH, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: TONGYUAN_ADMIN_TOKEN_HASH}}}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_GUIDES}}}
    - {name: CALLER_PUBLIC_WEB, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_WEB}}}
    - {name: CALLER_PUBLIC_MOBILE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_MOBILE}}}
    - {name: CALLER_PUBLIC_KIOSK, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_KIOSK}}}
    - {name: CALLER_PUBLIC_PORTAL, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_PORTAL}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_IMPORTING, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_IMPORTING}}}
    - {name: CALLER_PUBLIC_LEDGER_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_LEDGER_WORKER}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "web+$(CALLER_PUBLIC_WEB),mobile+$(CALLER_PUBLIC_MOBILE),kiosk+$(CALLER_PUBLIC_KIOSK),portal+$(CALLER_PUBLIC_PORTAL),auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),importing+$(CALLER_PUBLIC_IMPORTING),ledger-worker+$(CALLER_PUBLIC_LEDGER_WORKER),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_GUIDES, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_GUIDES}}}
    - {name: TONGYUAN_GUIDES_DATABASE_URL, value: "postgresql://guides:$(POSTGRES_PASSWORD_GUIDES)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_GUIDES, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_GUIDES}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://guides:$(RABBITMQ_PASSWORD_GUIDES)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/guides"}
    {{- end }}
applications:
  kind: StatefulSet
  stage: 7
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: [catalog, ledger]
  callers: [auditor, console, ledger-worker]
  people: [editors]
  public: false
  broker: true
  outside: ""
  volumes:
    - {name: personal-keys, path: /var/lib/tongyuan-personal, kind: claim, readOnly: true}
    - {name: applications-key, path: /var/lib/tongyuan-applications, kind: claim, readOnly: false}
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CANARY_INTERVAL: "60"
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_PERSONAL_KEY_FILE, value: "/var/lib/tongyuan-personal/keys"}
    - {name: TONGYUAN_SOURCE_KEY_FILE, value: "/var/lib/tongyuan-applications/key.pem"}
    - {name: TONGYUAN_ADMIN_TOKEN_HASH, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: TONGYUAN_ADMIN_TOKEN_HASH}}}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_APPLICATIONS}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_LEDGER_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_LEDGER_WORKER}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),ledger-worker+$(CALLER_PUBLIC_LEDGER_WORKER),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_APPLICATIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_APPLICATIONS}}}
    - {name: TONGYUAN_APPLICATIONS_DATABASE_URL, value: "postgresql://applications:$(POSTGRES_PASSWORD_APPLICATIONS)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_APPLICATIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_APPLICATIONS}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://applications:$(RABBITMQ_PASSWORD_APPLICATIONS)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_CATALOG_URL, value: "{{ $scheme }}://catalog:8080"}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/applications"}
    {{- end }}
ledger:
  kind: Deployment
  stage: 5
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: []
  callers: [catalog, guides, applications, web, mobile, kiosk, portal, auditor, console, subscriptions, guides-worker, web-worker, mobile-worker, kiosk-worker, portal-worker]
  people: []
  public: true
  broker: true
  outside: ""
  volumes:
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: CALLER_PUBLIC_CATALOG, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CATALOG}}}
    - {name: CALLER_PUBLIC_GUIDES, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_GUIDES}}}
    - {name: CALLER_PUBLIC_APPLICATIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_APPLICATIONS}}}
    - {name: CALLER_PUBLIC_WEB, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_WEB}}}
    - {name: CALLER_PUBLIC_MOBILE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_MOBILE}}}
    - {name: CALLER_PUBLIC_KIOSK, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_KIOSK}}}
    - {name: CALLER_PUBLIC_PORTAL, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_PORTAL}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_GUIDES_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_GUIDES_WORKER}}}
    - {name: CALLER_PUBLIC_WEB_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_WEB_WORKER}}}
    - {name: CALLER_PUBLIC_MOBILE_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_MOBILE_WORKER}}}
    - {name: CALLER_PUBLIC_KIOSK_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_KIOSK_WORKER}}}
    - {name: CALLER_PUBLIC_PORTAL_WORKER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_PORTAL_WORKER}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "catalog+$(CALLER_PUBLIC_CATALOG),guides+$(CALLER_PUBLIC_GUIDES),applications+$(CALLER_PUBLIC_APPLICATIONS),web+$(CALLER_PUBLIC_WEB),mobile+$(CALLER_PUBLIC_MOBILE),kiosk+$(CALLER_PUBLIC_KIOSK),portal+$(CALLER_PUBLIC_PORTAL),auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),guides-worker+$(CALLER_PUBLIC_GUIDES_WORKER),web-worker+$(CALLER_PUBLIC_WEB_WORKER),mobile-worker+$(CALLER_PUBLIC_MOBILE_WORKER),kiosk-worker+$(CALLER_PUBLIC_KIOSK_WORKER),portal-worker+$(CALLER_PUBLIC_PORTAL_WORKER),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_LEDGER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_LEDGER}}}
    - {name: TONGYUAN_LEDGER_DATABASE_URL, value: "postgresql://ledger:$(POSTGRES_PASSWORD_LEDGER)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_LEDGER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_LEDGER}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://ledger:$(RABBITMQ_PASSWORD_LEDGER)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/ledger"}
    {{- end }}
web:
  kind: Deployment
  stage: 2
  beside: true
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger, guides]
  callers: [auditor, console, ledger-worker]
  people: []
  public: true
  broker: true
  outside: ""
  volumes:
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_FEEDBACK_LIMIT: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_LOOKUP_CASE_LIMIT: ""
    TONGYUAN_LOOKUP_LIMIT: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_PUBLIC_URL: ""
    TONGYUAN_SITE_ID: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_WEB}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_WEB, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_WEB}}}
    - {name: TONGYUAN_WEB_DATABASE_URL, value: "postgresql://web:$(POSTGRES_PASSWORD_WEB)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_WEB, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_WEB}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://web:$(RABBITMQ_PASSWORD_WEB)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/web"}
    {{- end }}
mobile:
  kind: Deployment
  stage: 2
  beside: true
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger, guides, subscriptions]
  callers: [auditor, console, ledger-worker]
  people: []
  public: true
  broker: false
  outside: ""
  volumes:
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_FEEDBACK_LIMIT: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_LOOKUP_CASE_LIMIT: ""
    TONGYUAN_LOOKUP_LIMIT: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_PUBLIC_URL: ""
    TONGYUAN_SITE_ID: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_MOBILE}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_MOBILE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_MOBILE}}}
    - {name: TONGYUAN_MOBILE_DATABASE_URL, value: "postgresql://mobile:$(POSTGRES_PASSWORD_MOBILE)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    - {name: TONGYUAN_SUBSCRIPTIONS_URL, value: "{{ $scheme }}://subscriptions:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/mobile"}
    {{- end }}
kiosk:
  kind: Deployment
  stage: 2
  beside: true
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger, guides]
  callers: [auditor, console, ledger-worker]
  people: [queue]
  public: true
  broker: false
  outside: ""
  volumes:
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_FEEDBACK_LIMIT: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_LOOKUP_CASE_LIMIT: ""
    TONGYUAN_LOOKUP_LIMIT: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_PUBLIC_URL: ""
    TONGYUAN_SITE_ID: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_KIOSK}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: CALLER_PUBLIC_QUEUE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_QUEUE}}}
    - {name: TONGYUAN_CALLERS, value: "auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),operator+$(CALLER_PUBLIC_OPERATOR),queue+$(CALLER_PUBLIC_QUEUE)"}
    - {name: POSTGRES_PASSWORD_KIOSK, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_KIOSK}}}
    - {name: TONGYUAN_KIOSK_DATABASE_URL, value: "postgresql://kiosk:$(POSTGRES_PASSWORD_KIOSK)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/kiosk"}
    {{- end }}
portal:
  kind: Deployment
  stage: 2
  beside: true
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger, guides]
  callers: [auditor, console, ledger-worker]
  people: []
  public: true
  broker: false
  outside: ""
  volumes:
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_FEEDBACK_LIMIT: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_LOOKUP_CASE_LIMIT: ""
    TONGYUAN_LOOKUP_LIMIT: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_PUBLIC_URL: ""
    TONGYUAN_SITE_ID: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_PORTAL}}}
    - {name: CALLER_PUBLIC_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "auditor+$(CALLER_PUBLIC_AUDITOR),console+$(CALLER_PUBLIC_CONSOLE),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_PORTAL, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_PORTAL}}}
    - {name: TONGYUAN_PORTAL_DATABASE_URL, value: "postgresql://portal:$(POSTGRES_PASSWORD_PORTAL)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/portal"}
    {{- end }}
auditor:
  kind: Deployment
  stage: 8
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger, catalog, guides, applications, web, mobile, kiosk, portal]
  callers: [console]
  people: []
  public: false
  broker: false
  outside: ""
  volumes:
  settings:
    TONGYUAN_ALLOWED_DELAY: ""
    TONGYUAN_AUDIT_INTERVAL: ""
    TONGYUAN_AUDIT_PEAK: ""
    TONGYUAN_AUDIT_POLL: ""
    TONGYUAN_AUDIT_RATE: ""
    TONGYUAN_AUDIT_REPAIR: ""
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_PUBLIC_URL: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_AUDITOR}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "console+$(CALLER_PUBLIC_CONSOLE),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_AUDITOR}}}
    - {name: TONGYUAN_AUDITOR_DATABASE_URL, value: "postgresql://auditor:$(POSTGRES_PASSWORD_AUDITOR)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    - {name: TONGYUAN_CATALOG_URL, value: "{{ $scheme }}://catalog:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    - {name: TONGYUAN_APPLICATIONS_URL, value: "{{ $scheme }}://applications:8080"}
    - {name: TONGYUAN_WEB_URL, value: "{{ $scheme }}://web:8080"}
    - {name: TONGYUAN_MOBILE_URL, value: "{{ $scheme }}://mobile:8080"}
    - {name: TONGYUAN_KIOSK_URL, value: "{{ $scheme }}://kiosk:8080"}
    - {name: TONGYUAN_PORTAL_URL, value: "{{ $scheme }}://portal:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/auditor"}
    {{- end }}
console:
  kind: StatefulSet
  stage: 8
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: [catalog, guides, applications, ledger, web, mobile, kiosk, portal, auditor, importing, subscriptions]
  callers: []
  people: [staff]
  public: false
  broker: false
  outside: "identity"
  volumes:
    - {name: console-key, path: /var/lib/tongyuan-console, kind: claim, readOnly: false}
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_OIDC_CLAIM: ""
    TONGYUAN_OIDC_CLIENT_ID: ""
    TONGYUAN_OIDC_ISSUER: ""
    TONGYUAN_OIDC_TRUSTED_ACR: ""
    TONGYUAN_OIDC_TRUSTED_AMR: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_STAFF_KEY_FILE, value: "/var/lib/tongyuan-console/keys"}
    - {name: TONGYUAN_OIDC_CLIENT_SECRET_FILE, value: "/var/lib/tongyuan-console/oidc-client-secret"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_CONSOLE}}}
    - {name: TONGYUAN_CONSOLE_DATABASE_URL, value: "postgresql://console:$(POSTGRES_PASSWORD_CONSOLE)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: TONGYUAN_CATALOG_URL, value: "{{ $scheme }}://catalog:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    - {name: TONGYUAN_APPLICATIONS_URL, value: "{{ $scheme }}://applications:8080"}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    - {name: TONGYUAN_WEB_URL, value: "{{ $scheme }}://web:8080"}
    - {name: TONGYUAN_MOBILE_URL, value: "{{ $scheme }}://mobile:8080"}
    - {name: TONGYUAN_KIOSK_URL, value: "{{ $scheme }}://kiosk:8080"}
    - {name: TONGYUAN_PORTAL_URL, value: "{{ $scheme }}://portal:8080"}
    - {name: TONGYUAN_AUDITOR_URL, value: "{{ $scheme }}://auditor:8080"}
    - {name: TONGYUAN_IMPORTING_URL, value: "{{ $scheme }}://importing:8080"}
    - {name: TONGYUAN_SUBSCRIPTIONS_URL, value: "{{ $scheme }}://subscriptions:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/console"}
    {{- end }}
importing:
  kind: StatefulSet
  stage: 8
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: [catalog, guides]
  callers: [console]
  people: []
  public: false
  broker: false
  outside: ""
  volumes:
    - {name: importing-files, path: /var/lib/tongyuan, kind: claim, readOnly: false}
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_IMPORT_DISK_BUDGET: ""
    TONGYUAN_IMPORT_KEEP_DAYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_DATA_DIR, value: "/var/lib/tongyuan"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_IMPORTING}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "console+$(CALLER_PUBLIC_CONSOLE),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_IMPORTING, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_IMPORTING}}}
    - {name: TONGYUAN_IMPORTING_DATABASE_URL, value: "postgresql://importing:$(POSTGRES_PASSWORD_IMPORTING)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: TONGYUAN_CATALOG_URL, value: "{{ $scheme }}://catalog:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/importing"}
    {{- end }}
subscriptions:
  kind: StatefulSet
  stage: 1
  beside: false
  worker: false
  port: 8080
  memory: 400Mi
  calls: [ledger]
  callers: [mobile, console]
  people: []
  public: true
  broker: true
  outside: "webhooks"
  volumes:
    - {name: subscriptions-key, path: /var/lib/tongyuan-subscriptions, kind: claim, readOnly: false}
  settings:
    TONGYUAN_BYTES_IN_FLIGHT: ""
    TONGYUAN_CONNECTIONS: ""
    TONGYUAN_HOOK_HOSTS: ""
    TONGYUAN_HOOK_PRIVATE: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_STREAM_NETWORKS: ""
    TONGYUAN_STREAMS: ""
    TONGYUAN_STREAMS_PER_ADDRESS: ""
    TONGYUAN_WEBHOOK_LOG_DAYS: ""
    TONGYUAN_WEBHOOK_NETWORKS: ""
    TONGYUAN_WEBHOOK_TEXT_DAYS: ""
  env:
    - {name: TONGYUAN_PORT, value: "8080"}
    - {name: TONGYUAN_WEBHOOK_KEY_FILE, value: "/var/lib/tongyuan-subscriptions/key"}
    - {name: CALLER_PUBLIC_MOBILE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_MOBILE}}}
    - {name: CALLER_PUBLIC_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_CONSOLE}}}
    - {name: CALLER_PUBLIC_OPERATOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_PUBLIC_OPERATOR}}}
    - {name: TONGYUAN_CALLERS, value: "mobile+$(CALLER_PUBLIC_MOBILE),console+$(CALLER_PUBLIC_CONSOLE),operator+$(CALLER_PUBLIC_OPERATOR)"}
    - {name: POSTGRES_PASSWORD_SUBSCRIPTIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_SUBSCRIPTIONS}}}
    - {name: TONGYUAN_SUBSCRIPTIONS_DATABASE_URL, value: "postgresql://subscriptions:$(POSTGRES_PASSWORD_SUBSCRIPTIONS)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_SUBSCRIPTIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_SUBSCRIPTIONS}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://subscriptions:$(RABBITMQ_PASSWORD_SUBSCRIPTIONS)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/subscriptions"}
    {{- end }}
catalog-worker:
  kind: StatefulSet
  stage: 6
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: []
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
    - {name: catalog-key, path: /var/lib/tongyuan-catalog, kind: claim, readOnly: false}
    - {name: word-lists, path: /var/lib/tongyuan-word-lists, kind: configMap, readOnly: true}
  settings:
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_SOURCE_KEY_FILE, value: "/var/lib/tongyuan-catalog/key.pem"}
    - {name: TONGYUAN_WORD_LISTS, value: "/var/lib/tongyuan-word-lists"}
    - {name: POSTGRES_PASSWORD_CATALOG, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_CATALOG}}}
    - {name: TONGYUAN_CATALOG_DATABASE_URL, value: "postgresql://catalog:$(POSTGRES_PASSWORD_CATALOG)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_CATALOG, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_CATALOG}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://catalog:$(RABBITMQ_PASSWORD_CATALOG)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/catalog-worker"}
    {{- end }}
guides-worker:
  kind: StatefulSet
  stage: 6
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: [ledger]
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
    - {name: guides-key, path: /var/lib/tongyuan-guides, kind: claim, readOnly: false}
    - {name: word-lists, path: /var/lib/tongyuan-word-lists, kind: configMap, readOnly: true}
  settings:
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_SOURCE_KEY_FILE, value: "/var/lib/tongyuan-guides/key.pem"}
    - {name: TONGYUAN_WORD_LISTS, value: "/var/lib/tongyuan-word-lists"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_GUIDES_WORKER}}}
    - {name: POSTGRES_PASSWORD_GUIDES, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_GUIDES}}}
    - {name: TONGYUAN_GUIDES_DATABASE_URL, value: "postgresql://guides:$(POSTGRES_PASSWORD_GUIDES)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_GUIDES, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_GUIDES}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://guides:$(RABBITMQ_PASSWORD_GUIDES)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/guides-worker"}
    {{- end }}
applications-worker:
  kind: StatefulSet
  stage: 6
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: [catalog]
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
    - {name: personal-keys, path: /var/lib/tongyuan-personal, kind: claim, readOnly: true}
    - {name: applications-key, path: /var/lib/tongyuan-applications, kind: claim, readOnly: false}
  settings:
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_PERSONAL_KEY_FILE, value: "/var/lib/tongyuan-personal/keys"}
    - {name: TONGYUAN_SOURCE_KEY_FILE, value: "/var/lib/tongyuan-applications/key.pem"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_APPLICATIONS_WORKER}}}
    - {name: POSTGRES_PASSWORD_APPLICATIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_APPLICATIONS}}}
    - {name: TONGYUAN_APPLICATIONS_DATABASE_URL, value: "postgresql://applications:$(POSTGRES_PASSWORD_APPLICATIONS)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_APPLICATIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_APPLICATIONS}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://applications:$(RABBITMQ_PASSWORD_APPLICATIONS)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_CATALOG_URL, value: "{{ $scheme }}://catalog:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/applications-worker"}
    {{- end }}
ledger-worker:
  kind: StatefulSet
  stage: 4
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: [catalog, guides, applications, web, mobile, kiosk, portal]
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
    - {name: ledger-key, path: /var/lib/tongyuan, kind: claim, readOnly: false}
  settings:
    TONGYUAN_BACKFILL_LAG: ""
    TONGYUAN_HEAD_INTERVAL: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
    TONGYUAN_SCRUB_INTERVAL: ""
    TONGYUAN_SOURCE_KEYS: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_DATA_DIR, value: "/var/lib/tongyuan"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_LEDGER_WORKER}}}
    - {name: POSTGRES_PASSWORD_LEDGER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_LEDGER}}}
    - {name: TONGYUAN_LEDGER_DATABASE_URL, value: "postgresql://ledger:$(POSTGRES_PASSWORD_LEDGER)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_LEDGER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_LEDGER}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://ledger:$(RABBITMQ_PASSWORD_LEDGER)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_CATALOG_URL, value: "{{ $scheme }}://catalog:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    - {name: TONGYUAN_APPLICATIONS_URL, value: "{{ $scheme }}://applications:8080"}
    - {name: TONGYUAN_WEB_URL, value: "{{ $scheme }}://web:8080"}
    - {name: TONGYUAN_MOBILE_URL, value: "{{ $scheme }}://mobile:8080"}
    - {name: TONGYUAN_KIOSK_URL, value: "{{ $scheme }}://kiosk:8080"}
    - {name: TONGYUAN_PORTAL_URL, value: "{{ $scheme }}://portal:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/ledger-worker"}
    {{- end }}
web-worker:
  kind: Deployment
  stage: 3
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: [ledger]
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
  settings:
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_WEB_WORKER}}}
    - {name: POSTGRES_PASSWORD_WEB, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_WEB}}}
    - {name: TONGYUAN_WEB_DATABASE_URL, value: "postgresql://web:$(POSTGRES_PASSWORD_WEB)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_WEB, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_WEB}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://web:$(RABBITMQ_PASSWORD_WEB)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/web-worker"}
    {{- end }}
mobile-worker:
  kind: Deployment
  stage: 3
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: [ledger]
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
  settings:
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_MOBILE_WORKER}}}
    - {name: POSTGRES_PASSWORD_MOBILE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_MOBILE}}}
    - {name: TONGYUAN_MOBILE_DATABASE_URL, value: "postgresql://mobile:$(POSTGRES_PASSWORD_MOBILE)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_MOBILE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_MOBILE}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://mobile:$(RABBITMQ_PASSWORD_MOBILE)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/mobile-worker"}
    {{- end }}
kiosk-worker:
  kind: Deployment
  stage: 3
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: [ledger]
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
  settings:
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_KIOSK_WORKER}}}
    - {name: POSTGRES_PASSWORD_KIOSK, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_KIOSK}}}
    - {name: TONGYUAN_KIOSK_DATABASE_URL, value: "postgresql://kiosk:$(POSTGRES_PASSWORD_KIOSK)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_KIOSK, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_KIOSK}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://kiosk:$(RABBITMQ_PASSWORD_KIOSK)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/kiosk-worker"}
    {{- end }}
portal-worker:
  kind: Deployment
  stage: 3
  beside: false
  worker: true
  port: 9100
  memory: 200Mi
  calls: [ledger]
  callers: []
  people: []
  public: false
  broker: true
  outside: ""
  volumes:
  settings:
    TONGYUAN_DRILL_INTERVAL: ""
    TONGYUAN_LEDGER_KEYS: ""
    TONGYUAN_LOG_LEVEL: ""
    TONGYUAN_ORIGIN: ""
    TONGYUAN_RECONCILE_INTERVAL: ""
  env:
    - {name: TONGYUAN_METRICS_PORT, value: "9100"}
    - {name: TONGYUAN_CALLER_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: CALLER_KEY_PORTAL_WORKER}}}
    - {name: POSTGRES_PASSWORD_PORTAL, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_PORTAL}}}
    - {name: TONGYUAN_PORTAL_DATABASE_URL, value: "postgresql://portal:$(POSTGRES_PASSWORD_PORTAL)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_PORTAL, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: RABBITMQ_PASSWORD_PORTAL}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://portal:$(RABBITMQ_PASSWORD_PORTAL)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/portal-worker"}
    {{- end }}
# end of processes
{{- end -}}

{{- define "tongyuan.jobs" -}}
{{- $scheme := ternary "https" "http" .Values.tls.enabled -}}
# made of the manifests: jobs
migrate:
  volumes:
    - {name: personal-keys, path: /var/lib/tongyuan-personal, kind: claim, readOnly: false}
  settings:
  env:
    - {name: TONGYUAN_PERSONAL_KEY_FILE, value: "/var/lib/tongyuan-personal/keys"}
    - {name: POSTGRES_PASSWORD_CATALOG, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_CATALOG}}}
    - {name: TONGYUAN_CATALOG_DATABASE_URL, value: "postgresql://catalog:$(POSTGRES_PASSWORD_CATALOG)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_GUIDES, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_GUIDES}}}
    - {name: TONGYUAN_GUIDES_DATABASE_URL, value: "postgresql://guides:$(POSTGRES_PASSWORD_GUIDES)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_APPLICATIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_APPLICATIONS}}}
    - {name: TONGYUAN_APPLICATIONS_DATABASE_URL, value: "postgresql://applications:$(POSTGRES_PASSWORD_APPLICATIONS)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_LEDGER, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_LEDGER}}}
    - {name: TONGYUAN_LEDGER_DATABASE_URL, value: "postgresql://ledger:$(POSTGRES_PASSWORD_LEDGER)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_WEB, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_WEB}}}
    - {name: TONGYUAN_WEB_DATABASE_URL, value: "postgresql://web:$(POSTGRES_PASSWORD_WEB)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_MOBILE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_MOBILE}}}
    - {name: TONGYUAN_MOBILE_DATABASE_URL, value: "postgresql://mobile:$(POSTGRES_PASSWORD_MOBILE)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_KIOSK, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_KIOSK}}}
    - {name: TONGYUAN_KIOSK_DATABASE_URL, value: "postgresql://kiosk:$(POSTGRES_PASSWORD_KIOSK)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_PORTAL, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_PORTAL}}}
    - {name: TONGYUAN_PORTAL_DATABASE_URL, value: "postgresql://portal:$(POSTGRES_PASSWORD_PORTAL)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_AUDITOR, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_AUDITOR}}}
    - {name: TONGYUAN_AUDITOR_DATABASE_URL, value: "postgresql://auditor:$(POSTGRES_PASSWORD_AUDITOR)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_CONSOLE, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_CONSOLE}}}
    - {name: TONGYUAN_CONSOLE_DATABASE_URL, value: "postgresql://console:$(POSTGRES_PASSWORD_CONSOLE)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_IMPORTING, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_IMPORTING}}}
    - {name: TONGYUAN_IMPORTING_DATABASE_URL, value: "postgresql://importing:$(POSTGRES_PASSWORD_IMPORTING)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    - {name: POSTGRES_PASSWORD_SUBSCRIPTIONS, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.name }}", key: POSTGRES_PASSWORD_SUBSCRIPTIONS}}}
    - {name: TONGYUAN_SUBSCRIPTIONS_DATABASE_URL, value: "postgresql://subscriptions:$(POSTGRES_PASSWORD_SUBSCRIPTIONS)@{{ .Values.postgres.host }}:{{ .Values.postgres.port }}/{{ .Values.postgres.database }}"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/migrate"}
    {{- end }}
topology:
  volumes:
  settings:
  env:
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_TOPOLOGY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.operator }}", key: RABBITMQ_PASSWORD_TOPOLOGY}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://topology:$(RABBITMQ_PASSWORD_TOPOLOGY)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/topology"}
    {{- end }}
cli:
  volumes:
  settings:
    TONGYUAN_PUBLIC_URL: ""
  env:
    - {name: TONGYUAN_OPERATOR_KEY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.operator }}", key: CALLER_KEY_OPERATOR}}}
    - {name: TONGYUAN_CATALOG_URL, value: "{{ $scheme }}://catalog:8080"}
    - {name: TONGYUAN_GUIDES_URL, value: "{{ $scheme }}://guides:8080"}
    - {name: TONGYUAN_APPLICATIONS_URL, value: "{{ $scheme }}://applications:8080"}
    - {name: TONGYUAN_LEDGER_URL, value: "{{ $scheme }}://ledger:8080"}
    - {name: TONGYUAN_WEB_URL, value: "{{ $scheme }}://web:8080"}
    - {name: TONGYUAN_MOBILE_URL, value: "{{ $scheme }}://mobile:8080"}
    - {name: TONGYUAN_KIOSK_URL, value: "{{ $scheme }}://kiosk:8080"}
    - {name: TONGYUAN_PORTAL_URL, value: "{{ $scheme }}://portal:8080"}
    - {name: TONGYUAN_AUDITOR_URL, value: "{{ $scheme }}://auditor:8080"}
    - {name: TONGYUAN_CONSOLE_URL, value: "{{ $scheme }}://console:8080"}
    - {name: TONGYUAN_IMPORTING_URL, value: "{{ $scheme }}://importing:8080"}
    - {name: TONGYUAN_SUBSCRIPTIONS_URL, value: "{{ $scheme }}://subscriptions:8080"}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_AMQP_URL, value: "amqps://{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.tlsPort }}/%2F"}
    {{- else }}
    - {name: RABBITMQ_PASSWORD_TOPOLOGY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.operator }}", key: RABBITMQ_PASSWORD_TOPOLOGY}}}
    - {name: TONGYUAN_AMQP_URL, value: "amqp://topology:$(RABBITMQ_PASSWORD_TOPOLOGY)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.port }}/%2F"}
    {{- end }}
    {{- if .Values.tls.enabled }}
    - {name: RABBITMQ_PASSWORD_TOPOLOGY, valueFrom: {secretKeyRef: {name: "{{ .Values.secrets.operator }}", key: RABBITMQ_PASSWORD_TOPOLOGY}}}
    - {name: TONGYUAN_BROKER_MANAGEMENT_URL, value: "https://topology:$(RABBITMQ_PASSWORD_TOPOLOGY)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.managementTlsPort }}"}
    {{- else }}
    - {name: TONGYUAN_BROKER_MANAGEMENT_URL, value: "http://topology:$(RABBITMQ_PASSWORD_TOPOLOGY)@{{ .Values.rabbitmq.host }}:{{ .Values.rabbitmq.managementPort }}"}
    {{- end }}
    {{- if .Values.tls.enabled }}
    - {name: TONGYUAN_TLS_FOLDER, value: "/tls/cli"}
    {{- end }}
# end of jobs
{{- end -}}

{{- define "tongyuan.claims" -}}
# made of the manifests: claims
catalog-key: {shared: true}
guides-key: {shared: true}
personal-keys: {shared: true}
applications-key: {shared: true}
console-key: {shared: false}
importing-files: {shared: false}
subscriptions-key: {shared: false}
ledger-key: {shared: false}
# end of claims
{{- end -}}
