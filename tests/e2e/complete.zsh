# What zsh offers behind the words of a line, one a line, sorted.
# Usage: zsh -f complete.zsh FUNCTIONS PROGRAMS WORK LINE
#   FUNCTIONS: the folder of _ovseg; PROGRAMS: that of ovseg; WORK: an empty folder, written to
# An interactive zsh is asked, in a terminal of its own; what its completion would add is printed
# in its place.
folder=$1 programs=$2 work=$3 line=$4
cat >$work/.zshrc <<'EOF'
PROMPT= RPROMPT=
unsetopt beep zle_bracketed_paste
fpath=($FUNCTIONS $fpath)
path=($PROGRAMS $path)
autoload -Uz compinit
compinit -D -u
compadd() {
    local -a offers
    if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then # asked for what would be, by zsh's functions
        builtin compadd "$@"
        return
    fi
    builtin compadd -A offers "$@"
    print -lr -- "offer "${^offers}
    builtin compadd "$@"
}
ask() {
    _main_complete
    print -r -- "offers "end
}
zle -C ask complete-word ask
bindkey '^I' ask
precmd() { print -r -- "ready "now }
EOF
zmodload zsh/zpty
export FUNCTIONS=$folder PROGRAMS=$programs ZDOTDIR=$work
zpty shell zsh -i
zpty -r shell text '*ready now*' || exit 1
zpty -n -w shell $line$'\t'
zpty -r shell text '*offers end*' || exit 1
print -r -- $text | tr -d '\r' | sed -n 's/^.*offer //p' | sort -u
