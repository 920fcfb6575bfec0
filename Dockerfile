# One image for the web process and the workers. docker-compose.yml sets their commands.
FROM python:3.11-slim

# "cpu" installs the small build of torch, "cuda" the build for NVIDIA GPUs (several gigabytes).
ARG TORCH=cpu

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PATH=/app/.venv/bin:$PATH

WORKDIR /app

COPY pyproject.toml constraints.txt ./
COPY .ci/environment.py .ci/
RUN if [ "$TORCH" = cpu ]; then \
        export PIP_ARGUMENTS="--extra-index-url https://download.pytorch.org/whl/cpu"; \
    fi \
    && python .ci/environment.py

COPY . .
RUN STATIC_MANIFEST=1 python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf .data \
    && useradd --system --create-home triage \
    && install -d -o triage -g triage /data

ENV DATA_DIR=/data \
    STATIC_MANIFEST=1 \
    HOST=0.0.0.0 \
    LOG_FORMAT=json

USER triage
EXPOSE 8000
CMD ["uvicorn", "triage_site.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--timeout-graceful-shutdown", "2", "--log-level", "warning", "--no-access-log"]
