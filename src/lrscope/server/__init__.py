"""A team's server on one machine: PostgreSQL, MLflow's server in front of it, and the artifacts behind that.

team_folder         where all of it lies, and the settings that it was started with
postgres            the database: a cluster in the folder, or one of the user's
postgres_programs   PostgreSQL's own programs, found and run
server_page         MLflow's server: its command, its start in the background, whether it answers, its end
accounts            who may come in: a file of names and passwords, told to MLflow's own plugin
team_server         the story: start, stop, status, upgrade
backup              all of it in one file, and back into an empty place
"""
