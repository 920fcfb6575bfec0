# One image for the web process and the workers. docker-compose.yml sets their commands.
FROM python:3.11-slim

# "cpu" installs the small build of torch, "cuda" the build for NVIDIA GPUs (several gigabytes).
ARG TORCH=cpu
ARG TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
ARG VERSION=0.1.0
ARG REVISION=unknown

LABEL org.opencontainers.image.title="Semantic Triage" \
      org.opencontainers.image.description="Decision support for emergency departments that serves cases by clinical meaning" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"

ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PIP_NO_CACHE_DIR=1 \
    PATH=/app/.venv/bin:$PATH

WORKDIR /app

# Only files with the recorded hashes are installed, and no code of a package runs on the way.
COPY requirements requirements
RUN python -m venv .venv \
    && pip install --require-hashes --no-deps --only-binary :all: -r requirements/production.txt \
    && if [ "$TORCH" = cpu ]; then index="--index-url $TORCH_CPU_INDEX"; else index=""; fi \
    && pip install --require-hashes --no-deps --only-binary :all: $index \
           -r "requirements/torch-$TORCH.txt" \
    && pip check

COPY . .
RUN STATIC_MANIFEST=1 python manage.py collectstatic --no-input --verbosity 0 \
    && rm -rf .data \
    && groupadd --gid 10001 triage \
    && useradd --uid 10001 --gid 10001 --no-create-home triage \
    && install -d -o triage -g triage /data

# The file system is read-only at run time, but for /data and /tmp.
ENV DATA_DIR=/data \
    HOME=/tmp \
    STATIC_MANIFEST=1 \
    HOST=0.0.0.0 \
    LOG_FORMAT=json

USER triage
EXPOSE 8000
CMD ["uvicorn", "triage_site.asgi:application", "--host", "0.0.0.0", "--port", "8000", \
     "--timeout-graceful-shutdown", "2", "--log-level", "warning", "--no-access-log"]
