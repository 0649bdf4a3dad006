"""What all tests share."""

from __future__ import annotations

from servers import fresh_database, mlflow_server, postgres, project, proxy, store_project

__all__ = ["fresh_database", "mlflow_server", "postgres", "project", "proxy", "store_project"]
