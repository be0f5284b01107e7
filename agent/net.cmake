# The loop, the sockets and HTTP, and what the kernel says of callers.
tessera_part(tessera_net
	SOURCES clock.c clock_guard.c timer.c loop.c listen.c door.c
		http_head.c http_form.c http_conn.c http_answer.c http_server.c
		metrics.c
		caller.c caller_source.c caller_unit.c names.c names_cache.c names_worker.c
	LINK tessera_base PkgConfig::SYSTEMD PkgConfig::SODIUM)
