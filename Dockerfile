# One image for the web server, the workers and the ticker; docker-compose.yml says which is which.
FROM python:3.13-slim
RUN apt-get update && apt-get install -y --no-install-recommends git openssh-client && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 10001 astrolabe && mkdir -p /data/mirrors && chown -R astrolabe /data
WORKDIR /app
COPY requirements.lock .
RUN pip install --no-cache-dir -r requirements.lock
COPY --chown=astrolabe . .
USER astrolabe
ENV ASTROLABE_DATA=/data PYTHONUNBUFFERED=1
RUN SECRET_KEY=build ASTROLABE_MASK_KEY=build python manage.py collectstatic --noinput --verbosity 0
EXPOSE 8000
CMD ["gunicorn", "astrolabe_web.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8"]
