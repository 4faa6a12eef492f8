# Every command in the list explains itself in both ways, alike, and the man page and completion know it.
shown=0
"$ADAPLER" man >man
"$ADAPLER" completion bash >bash
"$ADAPLER" completion zsh >zsh
for command in $("$ADAPLER" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	case $command in help | man | completion) continue ;; esac
	"$ADAPLER" help "$command" >one || echo "help $command failed"
	"$ADAPLER" "$command" --help >two || echo "$command --help failed"
	cmp one two
	shown=$((shown + 1))
	grep -q '^usage:' one || echo "$command has no usage"
	awk 'length > 120' one
	grep -q "^.SS adapler $command" man || echo "$command is not in the man page"
	grep -q "$command) options=" bash || echo "$command is not in bash's completion"
	grep -q "'$command:" zsh || echo "$command is not in zsh's completion"
done
[ $shown -gt 0 ] && bash -n bash && echo done
