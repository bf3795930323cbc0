# The Python module, and the worker of examples/. It loads the library by ctypes, so a sanitizer, which
# wants to be loaded first, has no place here.

load helpers

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
build=${BUILD:-build}

setup() {
	[[ -z ${SAN:-} && $SHMLINE_BIN != */san-* ]] || skip 'Python is not built with the sanitizer'
	[[ -e $root/$build/lib/libshmline.so ]] || skip 'the library is not built: make library'
	common_setup
	export PYTHONPATH=$root/python SHMLINE_LIBRARY=$root/$build/lib/libshmline.so
	export PYTHONDONTWRITEBYTECODE=1
}
teardown() { common_teardown; }

@test 'what the module promises' {
	RING=$ring run timeout 100 python3 -m unittest discover -q -s "$root/tests/python"
	assert_success
}

@test 'the example worker works on files, and ends with the ring' {
	echo 'one two three' >a.txt
	echo 'four' >b.txt
	start worker "$root/examples/worker.py" "$ring"
	worker=$pid
	wait_until 10 ring_exists
	printf '%s\n' a.txt b.txt missing >list
	run producer -r "$ring" --source lines:list
	assert_success
	wait_for 20 "$worker"
	run sort worker.out
	assert_output "$(printf '1\tb.txt\n3\ta.txt')"
}

@test 'a worker that is told to end while it waits does so' {
	start worker env --default-signal=INT "$root/examples/worker.py" "$ring"
	wait_until 10 ring_exists
	kill -INT "$pid"
	wait_for 10 "$pid" 130
	ringctl rm "$ring"
}
