"""The services of docker-compose.yaml without containers: `python -m include.embedded.production up|down`."""
