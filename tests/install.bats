# Installed under a prefix, as a stranger has it: programs that find each other, the library for C and C++,
# pages, completions; and gone again.

bats_require_minimum_version 1.5.0
load helpers

root=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
build=${BUILD:-build}

# What `make install` does, and `make uninstall`, with the programs and the library as they were built.
remake() { # install | uninstall, PREFIX, DESTDIR, PROGRAM_PREFIX
	local stage=$BATS_TEST_TMPDIR/stage
	[[ -e $root/$build/lib/libshmline.a ]] || fail 'the library is not built: make library' || return
	env VERSION="$(sed -n 's/^VERSION = //p' "$root/Makefile")" SONAME=libshmline.so.0 PREFIX="$2" PROGRAM_PREFIX="$4" \
		BINDIR="$2/bin" LIBDIR="$2/lib" INCLUDEDIR="$2/include" DATADIR="$2/share" MANDIR="$2/share/man" \
		PYTHONDIR="$2/lib/python3/dist-packages" PROGDIR="$SHMLINE_BIN" LIBS="$build/lib" \
		"$root/tools/stage" "$stage" launcher producer consumer ringctl
	"$root/tools/$1" "$stage" "$3"
}

# Once for the file, into a folder of its own. A sanitizer's library would want its run-time linked too.
setup_file() {
	[[ $SHMLINE_BIN != */san-* ]] || return 0
	BATS_TEST_TMPDIR=$BATS_FILE_TMPDIR remake install "$BATS_FILE_TMPDIR/opt" "" shmline-
}

setup() {
	[[ $SHMLINE_BIN != */san-* ]] || skip 'what is installed is not the build with sanitizers'
	common_setup
	prefix=$BATS_FILE_TMPDIR/opt
	export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
}
teardown() { common_teardown; }

flags() { pkg-config --cflags --libs "$@" shmline; }

@test 'programs with a prefix to their names find each other, with nothing in PATH' {
	PATH=/usr/bin:/bin run --separate-stderr "$prefix/bin/shmline-launcher" -p 3 -c 5
	assert_success
	assert_equal "${#lines[@]}" 10
	[[ $stderr == *'published 10 = acked 10 + dead 0 + dropped 0 + left 0'* ]]
}

@test 'they are found through a link from elsewhere too' {
	ln -s "$prefix/bin/shmline-launcher" line
	run --separate-stderr ./line -n 3
	assert_success
}

@test 'each says its version' {
	for program in launcher producer consumer ringctl; do
		run "$prefix/bin/shmline-$program" --version
		assert_success
		assert_output --partial "(shmline) $(pkg-config --modversion shmline)"
	done
}

@test 'the shared library exports the calls of ring.h and nothing else' {
	nm -D --defined-only "$prefix/lib/libshmline.so" | awk '{ print $3 }' | sort >exported
	grep -oE '\bring_[a-z_]+\(' "$prefix/include/shmline/ring.h" | tr -d '(' | sort -u >named
	# Named in a comment, or a call: each that is exported is declared.
	run comm -23 exported named
	assert_output ''
	run grep -vc '^ring_' exported
	assert_output 0
}

@test 'the static library has no other names either' {
	run bash -c "nm '$prefix/lib/libshmline.a' | awk '\$2 ~ /^[A-MO-TV-Z]\$/ { print \$3 }' | grep -v '^ring_'"
	assert_output ''
}

@test 'the library has a soname, and needs libc alone' {
	run readelf -d "$prefix/lib/libshmline.so"
	assert_output --partial 'soname: [libshmline.so.0]'
	run bash -c "readelf -d '$prefix/lib/libshmline.so' | grep NEEDED | grep -vE 'libc.so|ld-linux'"
	assert_output ''
}

@test 'what programs rely on is as it was' {
	mkdir now
	"$root/tests/abi/show" "$prefix/lib/libshmline.so" "$root/$build/tests/abi/describe" now
	for what in symbols declarations layout; do
		run diff -u "$root/tests/abi/$what" "now/$what"
		[[ $status == 0 ]] || fail "$output
The $what changed. If that is meant: a new SONAME where old programs would break, a new LAYOUT_VERSION where
the segment differs; then \`make abi\` takes it over."
	done
}

@test 'a C program is built with the header alone, against either library' {
	cat >one.c <<-'END'
		#include <shmline/ring.h>

		int main(int argc, char **argv)
		{
			struct ring *ring = ring_open_or_create(argv[argc - 1], NULL, RING_PRODUCER | RING_CONSUMER, 0);
			struct ring_item item;

			if (!ring || ring_put(ring, "x", 1, 0) != RING_OK || ring_take(ring, &item, 0) != RING_OK ||
			    ring_ack(ring, &item) != 0)
				return 1;
			return !ring_close_last(ring);
		}
	END
	cc -std=c11 -pedantic -Wall -Wextra -Werror -o shared one.c $(flags)
	./shared "$ring"
	cc -o static one.c $(pkg-config --cflags shmline) "$prefix/lib/libshmline.a" -pthread
	LD_LIBRARY_PATH='' ./static "$ring"
}

@test 'a C++ program likewise' {
	cat >one.cc <<-'END'
		#include <shmline/ring.h>

		int main(int argc, char **argv)
		{
			struct ring_options options{};
			options.slots = 4;
			struct ring *ring = ring_open_or_create(argv[argc - 1], &options, RING_PRODUCER, 0);
			if (!ring || ring_put(ring, "x", 1, 0) != RING_OK)
				return 1;
			ring_close(ring);
			return ring_unlink(argv[argc - 1], true) != 0;
		}
	END
	g++ -std=c++11 -pedantic -Wall -Wextra -Werror -o shared one.cc $(flags)
	./shared "$ring"
	if command -v clang++ >/dev/null && echo '#include <cstddef>' | clang++ -x c++ -fsyntax-only - 2>/dev/null; then
		clang++ -std=c++11 -Wall -Wextra -Werror -fsyntax-only one.cc $(pkg-config --cflags shmline)
	fi
}

@test 'pages have the names of the programs, and one of each call' {
	assert_file_exists "$prefix/share/man/man1/shmline-launcher.1"
	run bash -c "mandoc '$prefix/share/man/man1/shmline-ringctl.1' | sed 's,.\x08,,g'"
	assert_output --partial 'shmline-ringctl stat'
	assert_output --partial 'shmline-launcher(1)'
	refute_output --regexp '[^-]launcher\(1\)'
	while read -r name; do
		assert_exists "$prefix/share/man/man3/$name.3"
	done <"$root/tests/abi/symbols"
}

@test 'an installed example finds the installed programs' {
	mkdir in
	echo x >in/x
	PATH=$prefix/bin:/usr/bin:/bin run "$prefix/share/doc/shmline/examples/compress.sh" in
	assert_success
	assert_file_exists in/x.gz
	for file in "$prefix"/share/doc/shmline/examples/*.sh; do
		run grep -nE '^[^#]*(^|[^-a-z])(launcher|producer|consumer|ringctl) ' "$file"
		refute_output --regexp '^[0-9]+:(.*[|;&] *|.*exec |\s*)(launcher|producer|consumer|ringctl) '
	done
	run grep -c "usdt:$prefix/bin/shmline-producer:" "$prefix/share/doc/shmline/examples/trace.bt"
	assert_output 2
}

@test 'another prefix to the names, or none' {
	remake install /usr "$PWD/tree" ''
	run --separate-stderr tree/usr/bin/launcher -n 4
	assert_success
	assert_file_exists tree/usr/share/man/man1/launcher.1
	run grep prefix= tree/usr/lib/pkgconfig/shmline.pc
	assert_output 'prefix=/usr'
}

@test 'uninstall leaves nothing of ours, and what others put there' {
	mkdir -p tree/usr/bin
	touch tree/usr/bin/theirs
	chmod 700 tree/usr/bin
	remake install /usr "$PWD/tree" shmline-
	run stat -c %a tree/usr/bin
	assert_output 700
	remake uninstall /usr "$PWD/tree" shmline-
	run find tree -not -type d -o -name '*shmline*'
	assert_output tree/usr/bin/theirs
}

# ---------------------------------------------------------------- completions

# What bash offers for the last of WORDS.
completed() { # WORDS...
	bash --norc -c '
		. /usr/share/bash-completion/bash_completion
		. "$1"/share/bash-completion/completions/shmline-launcher
		shift
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_shmline "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash "$prefix" "$prefix/bin/shmline-$1" "${@:2}"
}

@test 'bash completes every option that --help shows' {
	for program in launcher producer consumer; do
		run completed "$program" --
		for option in $("$prefix/bin/shmline-$program" --help | grep -oE '^ +(-., )?--[a-z-]+' | grep -oE -- '--.*'); do
			assert_line -- "$option"
		done
	done
}

@test 'bash completes the values of a choice, files, rings and verbs' {
	"$prefix/bin/shmline-producer" -r "$ring" -n 1 >/dev/null
	touch list.txt
	run completed launcher --stop s
	assert_output "$(printf 'soft\nstrict')"
	run completed launcher -p 3 -a list
	assert_output list.txt
	run completed consumer -r "${ring%-*}"
	assert_line "$ring"
	run completed ringctl s
	assert_output "$(printf 'stat\nstop')"
	run completed ringctl stat "${ring%-*}"
	assert_line "$ring"
	run completed ringctl peek --by
	assert_output -- --bytes
	run completed ringctl ls x
	assert_output ''
	# Those of a worker are its own.
	run completed launcher -c 3 -- grep --
	assert_output ''
	ringctl rm --force "$ring"
}

@test 'bash finds the completion by the name of each program' {
	for program in launcher producer consumer ringctl; do
		assert_exists "$prefix/share/bash-completion/completions/shmline-$program"
	done
	run bash --norc -ic ". /usr/share/bash-completion/bash_completion
		. '$prefix/share/bash-completion/completions/shmline-ringctl'; complete -p shmline-consumer"
	assert_output --partial '-F _shmline shmline-consumer'
}

# Type LINE and Tab in a zsh on a terminal, and wait for PATTERN.
zsh_offers() { # LINE PATTERN
	cat >ask <<-'END'
		zmodload zsh/zpty
		zpty z zsh -f -i
		zpty -w z "PS1=; fpath=($1/share/zsh/site-functions \$fpath); autoload -U compinit; compinit -u -d $PWD/dump"
		zpty -w z "path=($1/bin \$path); bindkey '^I' complete-word; LISTMAX=10000; echo read''y"
		zpty -r z text '*ready*'
		zpty -n -w z "$2"$'\t\t'
		zpty -r z text "*$3*"
		zpty -d z
	END
	TERM=dumb timeout 20 zsh -f ask "$prefix" "$1" "$2"
}

@test 'zsh completes options, verbs, rings and choices' {
	command -v zsh >/dev/null || skip 'no zsh'
	"$prefix/bin/shmline-producer" -r "$ring" -n 1 >/dev/null
	zsh_offers 'shmline-launcher --dr' dry-run
	zsh_offers 'shmline-launcher --stop st' strict
	zsh_offers 'shmline-ringctl fs' fsck
	zsh_offers 'shmline-ringctl peek --by' bytes
	zsh_offers "shmline-ringctl stat ${ring%-*}" "$ring"
	ringctl rm --force "$ring"
}
