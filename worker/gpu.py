"""The GPU worker: the same tasks, with the models.  ``celery -A worker.gpu worker -P solo -Q gpu``.

It runs solo, since CUDA does not survive a fork, and loads the weights at the first page.
"""

from worker import bootstrap, tasks

app = tasks.app_of_this_process(bootstrap.open_backends)
