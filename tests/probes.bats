# probes.bats - the places in the programs that bpftrace can watch.

bats_require_minimum_version 1.5.0
load helpers
setup() { common_setup; }
teardown() { common_teardown; }

probes_of() { readelf -n "$SHMLINE_BIN/$1" | sed -n '/Provider: shmline/{n;s/ *Name: //p}' | sort -u; }

@test "producer and consumer have the probes that the example watches" {
	command -v readelf >/dev/null || skip "readelf is not installed"
	"${CC:-cc}" -E -x c - <<<'#include <sys/sdt.h>' >/dev/null 2>&1 || skip "built without <sys/sdt.h>"
	local program probe
	while IFS=: read -r program probe; do
		probes_of "$program" >probes
		file_matches probes "^$probe$" || fail "$program has no probe $probe"
	done < <(sed -nE 's,^usdt:\./([a-z]+):shmline:([a-z]+)$,\1:\2,p' "$BATS_TEST_DIRNAME/../examples/trace.bt")
	# Each has the whole library.
	assert_equal "$(probes_of consumer | tr '\n' ' ')" 'ack full publish redelivery take '
}
