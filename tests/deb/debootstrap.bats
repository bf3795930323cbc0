# The packages in a fresh Debian, as a stranger has them: `make deb-check`, which builds them first. The tests
# belong together: what the first one installs the last one removes.
#
#   DEBS=FOLDER    where the packages are
#   KEPT=FOLDER    where the packages of Debian are kept for the next time

bats_require_minimum_version 1.5.0
load ../helpers

root=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
tree=$BATS_FILE_TMPDIR/tree
ours=(shmline libshmline0 libshmline-dev python3-shmline)

our_debs() { find "$DEBS" -maxdepth 1 -name '*.deb' ! -name '*-dbgsym_*'; }

# What ours depend on, and what a reader of the pages and the examples has: man, a compiler.
wanted() {
	local deb
	echo man-db gcc libc6-dev pkg-config bash jq
	our_debs | while read -r deb; do
		dpkg-deb -f "$deb" Depends
	done | sed -e 's/([^)]*)//g' -e 's/:any//g' -e 's/|[^,]*//g' | tr ',\n' '  ' | sed 's/libshmline0//g'
}

setup_file() {
	((EUID == 0)) || skip 'only root can'
	mkdir -p "$KEPT"
	debootstrap --variant=minbase --cache-dir="$KEPT" --include="$(wanted | xargs | tr ' ' ',')" bookworm "$tree" \
		>"$BATS_FILE_TMPDIR/log" 2>&1 || { tail -n 20 "$BATS_FILE_TMPDIR/log"; return 1; }
	mkdir "$tree/debs" "$tree/try"
	our_debs | xargs cp -t "$tree/debs"
}

# A shell in the tree, with processes and a /dev/shm of its own, which must be empty in the end.
in_tree() { # SCRIPT [ARG...]
	# shellcheck disable=SC2016
	unshare --mount --pid --fork sh -ec '
		mount -t proc proc "$0/proc"
		mount -t tmpfs shm "$0/dev/shm"
		exec chroot "$0" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
			bash -ec "cd /try; eval \"\$0\"; left=\$(ls -A /dev/shm); test -z \"\$left\" || { echo left: \$left; exit 1; }" "$@"
	' "$tree" "$@"
}

all_files() { find "$tree" -xdev -path "$tree/proc" -prune -o -printf '%P\n' | grep -vE '^(try|var/(log|cache|lib/dpkg))/' | sort; }

@test 'the packages install' {
	all_files >"$BATS_FILE_TMPDIR/before"
	run -0 in_tree 'dpkg -i /debs/*.deb'
	run -0 in_tree 'dpkg --audit'
	assert_output ''
}

@test 'shmline-launcher -p 3 -c 5' {
	run -0 --separate-stderr in_tree 'shmline-launcher -p 3 -c 5'
	assert_equal "${#lines[@]}" 10
	[[ $stderr == *'published 10 = acked 10 + dead 0 + dropped 0 + left 0'* ]]
}

@test 'every manual page opens' {
	# shellcheck disable=SC2016
	run -0 in_tree '
		for page in $(dpkg -L '"${ours[*]}"' | grep -E "/man/.*[1-9]\.gz$"); do
			name=${page##*/} name=${name%.gz}
			text=$(MANWIDTH=80 man -P cat "${name##*.}" "${name%.*}" 2>&1)
			grep -q "^NAME" <<<"$text" && grep -q "^SEE ALSO" <<<"$text" || { echo "$name: $text"; exit 1; }
			echo "$name"
		done'
	assert_line shmline-launcher.1
	assert_line ring_stop.3
	assert_line shmline.7
	((${#lines[@]} > 30)) || fail "only ${#lines[@]} pages"
}

# The program of a page as it is installed, for the compiler as shmline(3) says.
compile() { # PAGE...
	local page
	for page; do
		zcat "$tree/usr/share/man/man3/$page.3.gz" | awk '/^\.Bd -literal$/ { on = 1; text = ""; next }
			/^\.Ed/ { if (on && text ~ /int main/) last = text; on = 0 }
			on { text = text $0 "\n" }
			END { printf "%s", last }' | sed -e 's/\\e/\\/g' -e 's/\\-/-/g' >"$tree/try/$page.c"
		assert_file_not_empty "$tree/try/$page.c"
		run -0 in_tree "cc -Wall -o $page $page.c \$(pkg-config --cflags --libs shmline)"
		assert_output ''
	done
}

@test 'the C examples build and run' {
	compile shmline ring_open ring_put ring_take ring_stats ring_stop
	run -0 in_tree './shmline jobs'
	assert_output hello
	run -0 in_tree './ring_open jobs'
	run -0 in_tree 'seq 5 | ./ring_put jobs; ./ring_stats jobs; ./ring_take jobs'
	assert_line 'published 5 = acked 0 + dead 0 + dropped 0 + left 5'
	assert_line 5
	run -0 --separate-stderr in_tree './ring_stop jobs & shmline-consumer -r jobs --sink stdout; wait $!'
	assert_line 'published 1, acked 1'
}

@test 'the Python examples run' {
	# Of the README, and the worker among the examples.
	awk '/^    import shmline$/ { on = 1 } on && /^[^ ]/ { exit } on { print substr($0, 5) }' "$root/README.md" \
		>"$tree/try/readme.py"
	assert_file_not_empty "$tree/try/readme.py"
	run -0 --separate-stderr in_tree 'printf "%s\n" a b | shmline-producer -r jobs -; timeout 30 python3 readme.py
		shmline-ringctl rm jobs'
	assert_output "$(printf "b'a'\nb'b'")"
	printf 'one two\n' >"$tree/try/a.txt"
	run -0 --separate-stderr in_tree 'echo a.txt | shmline-producer -r jobs -
		worker=/usr/share/doc/shmline/examples/worker.py
		test -e $worker || gunzip $worker.gz
		timeout 30 python3 $worker jobs'
	assert_output "$(printf '2\ta.txt')"
}

@test 'other examples find the programs' {
	run -0 --separate-stderr in_tree 'mkdir in; echo x >in/x
		sh=/usr/share/doc/shmline/examples/compress.sh
		bash $sh in; ls in'
	assert_line x.gz
}

@test 'removed, they leave nothing' {
	run -0 in_tree "dpkg --purge ${ours[*]}"
	rm -rf "$tree/try" && mkdir "$tree/try"
	all_files >"$BATS_FILE_TMPDIR/after"
	run diff "$BATS_FILE_TMPDIR/before" "$BATS_FILE_TMPDIR/after"
	assert_output ''
}
