"""The generated parts of the Helm chart in deploy/helm/tongyuan: what the manifests say, in the chart's notation."""
