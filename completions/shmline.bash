# Completion of shmline's programs in bash. What there is to complete comes from the programs themselves
# (--option-table, and `ringctl --help` for its verbs), so it is never behind them.

# The program NAME beside the one that is being completed: same folder, same prefix.
_shmline_sibling() { # NAME
	local name=${1##*/} dir=
	[[ $_shmline_command == */* ]] && dir=${_shmline_command%/*}/
	_shmline_base=${_shmline_command##*/}
	[[ $_shmline_base =~ (launcher|producer|consumer|ringctl)$ ]] || return
	printf '%s' "$dir${_shmline_base%"${BASH_REMATCH[1]}"}$name"
}

_shmline_rings() {
	"$(_shmline_sibling ringctl)" ls 2>/dev/null | awk 'NR > 1 { print $1 }'
}

# Lines "VERB ring" or "VERB -", as the verb's first operand is a ring or there is none.
_shmline_verbs() {
	"$_shmline_command" --help 2>/dev/null | awk '
		/^Verbs:/ { on = 1; next }
		on && /^$/ { exit }
		on { print $1, $2 == "NAME" ? "ring" : "-" }'
}

# Values of an option: words, files or rings.
_shmline_values() { # VALUES CURRENT
	case $1 in
	ring) COMPREPLY=($(compgen -W "$(_shmline_rings)" -- "$2")) ;;
	choice\ *) COMPREPLY=($(compgen -W "${1#choice }" -- "$2")) ;;
	file)
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	esac
}

# The VALUES of option WORD, which is --name or letters; fails if it takes none.
_shmline_values_of() { # TABLE WORD
	awk -F '\t' -v word="$2" '
		($4 != "-") && (word == "--" $2 || (word ~ /^-[^-]*$/ && $1 != "-" && substr(word, length(word)) == $1)) {
			print $4
			found = 1
			exit
		}
		END { exit !found }' <<<"$1"
}

_shmline() {
	local cur prev table values verb='' operands=0 i word _shmline_command=$1 _shmline_base
	local words=("${COMP_WORDS[@]}") cword=$COMP_CWORD
	# "=" is a word of its own for bash: put --name=value together again.
	_get_comp_words_by_ref -n '=:' words cword 2>/dev/null
	cur=${words[cword]} prev=${words[cword - 1]}
	COMPREPLY=()

	if [[ ${1##*/} == *ringctl ]]; then
		for ((i = 1; i < cword; i++)); do
			[[ ${words[i]} == -* ]] || { verb=${words[i]} && break; }
		done
		if [[ -z $verb && $cur != -* ]]; then
			COMPREPLY=($(compgen -W "$(_shmline_verbs | cut -d ' ' -f 1)" -- "$cur"))
			return
		fi
	fi
	table=$("$1" $verb --option-table 2>/dev/null)

	# What stands before: options with their values, and operands, which end a worker's options.
	for ((i = 1; i < cword; i++)); do
		word=${words[i]}
		if [[ $word == -- ]]; then
			operands=2
			break
		elif [[ $word == --*=* ]]; then
			continue
		elif [[ $word == -?* ]]; then
			_shmline_values_of "$table" "$word" >/dev/null && ((i++))
		elif [[ -z $verb ]]; then
			operands=2
			break
		elif [[ $word != "$verb" ]]; then
			operands=1
		fi
	done
	if ((operands == 2)); then
		compopt -o default 2>/dev/null
		return
	fi

	if [[ $cur == --*=* ]]; then
		values=$(_shmline_values_of "$table" "${cur%%=*}") || return
		_shmline_values "$values" "${cur#*=}"
		# readline replaces what follows the "=" when that breaks words, and the whole word when not.
		[[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/${cur%%=*}=}")
	elif [[ $prev == -?* && $prev != *=* ]] && values=$(_shmline_values_of "$table" "$prev"); then
		_shmline_values "$values" "$cur"
	elif [[ $cur == -* ]]; then
		COMPREPLY=($(compgen -W "$(awk -F '\t' '{ print "--" $2; if ($1 != "-") print "-" $1 }' <<<"$table")" -- "$cur"))
	elif [[ -n $verb ]]; then
		((operands > 0)) || ! _shmline_verbs | grep -qx "$verb ring" || _shmline_values ring "$cur"
	else
		compopt -o default 2>/dev/null
	fi
}

complete -F _shmline @PROGRAMS@
