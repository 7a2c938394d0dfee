# The image of every Airflow service in docker-compose.yaml: Airflow, the pinned requirements, this repository.
FROM apache/airflow:slim-3.3.2-python3.11

# A volume mounted on one of these folders for the first time takes its owner from here.
USER root
RUN install -d -o airflow -g 0 -m 0770 /opt/lienthong /var/lib/lienthong /var/lib/lienthong/airflow \
    /var/lib/lienthong/identities /var/lib/lienthong/logs /var/lib/lienthong/store /var/lib/lienthong/tmp
USER airflow

# First what changes seldom. The versions are the ones the tests ran with, not those of the base image.
COPY --chown=airflow:0 requirements.txt /opt/lienthong/
RUN pip install --no-cache-dir --requirement /opt/lienthong/requirements.txt

COPY --chown=airflow:0 dags /opt/lienthong/dags
COPY --chown=airflow:0 plugins /opt/lienthong/plugins
COPY --chown=airflow:0 include /opt/lienthong/include
COPY --chown=airflow:0 schemas /opt/lienthong/schemas
COPY --chown=airflow:0 pyproject.toml requirements.in README.md LICENSE /opt/lienthong/
RUN pip install --no-cache-dir --no-deps --editable /opt/lienthong

# Importable as include.* from anywhere; nothing is compiled at run time, for the file system is read only there.
ENV PYTHONPATH=/opt/lienthong PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/lienthong
