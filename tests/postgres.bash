# postgres.bash - a PostgreSQL server of a test's own, in a temporary folder, on a socket there, run by an
# ordinary user: the server refuses root.

PG_USER=nobody

# Where the server's programs are: the newest of the packages.
pg_bin() { find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1; }

# Run a command as the user the server runs as.
as_pg() { # COMMAND...
	if ((EUID == 0)); then
		setpriv --reuid="$PG_USER" --regid="$(id -g "$PG_USER")" --clear-groups env HOME="$pg" "$@"
	else
		"$@"
	fi
}

# Skips with a reason, where it is not CI.
pg_lacks() { # REASON
	[[ -z ${CI:-} ]] || fail "$1" || return
	skip "$1"
}

# Sets $pg, the server's folder, and $conninfo.
pg_create() {
	PATH=$PATH:$(pg_bin)
	command -v initdb >/dev/null || pg_lacks "PostgreSQL's server is not installed (package postgresql)"
	grep -aq PQconnectdbParams "$SHMLINE_BIN/consumer" || pg_lacks "the consumer was built without libpq"
	pg=$(mktemp -d /tmp/shmline-pg.XXXXXX)	# short: a socket's path has 107 bytes
	((EUID != 0)) || chown "$PG_USER" "$pg"
	conninfo="host=$pg user=tester dbname=postgres"
	as_pg initdb -D "$pg/data" -U tester -A trust --no-sync --no-instructions -E UTF8 --locale=C >initdb.log 2>&1 ||
		fail "$(<initdb.log)"
}

pg_start() {
	as_pg pg_ctl -D "$pg/data" -l "$pg/log" -w -t 60 \
		-o "-k $pg -c listen_addresses= -c fsync=off -c shared_buffers=16MB" start >pg_ctl.log 2>&1 3>&- 4>&- ||
		fail "$(<pg_ctl.log) $(<"$pg/log")"
}

pg_stop() { # MODE: smart, fast, immediate
	as_pg pg_ctl -D "$pg/data" -m "${1:-fast}" -w -t 60 stop >pg_ctl.log 2>&1 || fail "$(<pg_ctl.log)"
}

pg_remove() {
	[[ -n ${pg:-} ]] || return 0
	as_pg pg_ctl -D "$pg/data" -m immediate -w stop >/dev/null 2>&1 || true
	rm -rf "$pg"
}

ask() { psql -XqtA -d "$conninfo" -c "$1"; } # SQL
