# terminal.sh - a person at a terminal, played by tmux.

screen() { tmux -S "$d/tmux" capture-pane -p -S - "$@" 2> /dev/null; }
keys() { tmux -S "$d/tmux" send-keys "$@"; }
# on_screen REGEX: a line of the screen matches
on_screen() { screen | grep -qE -e "$1"; }
# shows NAME REGEX: soon it does
shows() {
    if wait_for on_screen "$2"; then
        pass "terminal: $1"
    else
        fail "terminal: $1" "expected on the screen: $2" "found:" "$(screen | grep .)"
    fi
}
# is_dim: is something on the screen written in dim letters?
is_dim() { screen -e | grep -q "$(printf '\033')\[2m"; }
# terminal COMMAND: in a fresh terminal, and its exit code after it
terminal() {
    tmux -S "$d/tmux" respawn-pane -k "cd '$root'; env $1; echo rc=\$?; sleep 60"
    tmux -S "$d/tmux" clear-history
}
resize() { tmux -S "$d/tmux" resize-window -x $1 -y $2; }

# pressed_again: Ctrl-C at a prompt has been answered for the second time
pressed_again() { [ "$(screen | grep -c "^(Ctrl-C again")" -eq 2 ]; }

chat_on_terminal() {
    terminal "-u QW_MODEL $QW -t 1 -s 1"
    shows "chat is the default, and names the model" "models/tiny"
    shows "the prompt" "^> *$"
    keys "What is 12 plus 13?" Enter
    shows "the answer" "^12 \+ 13 = 25$"
    check "terminal: thoughts are dim" "$(screen -e | cat -v)" is_dim
    shows "the prompt comes back" "^> *$"
    keys "/nonsense" Enter
    shows "an unknown command does not end it" "unknown command /nonsense"
    keys C-d
    shows "Ctrl-D ends with 0" "^rc=0$"

    terminal "$QW chat $endless"
    shows "the prompt, again" "^> *$"
    keys "Once upon a time" Enter
    wait_for on_screen "^[^>q]+"
    keys C-c
    shows "Ctrl-C stops an answer, and the prompt returns" "^> *$"
    keys "/clear" Enter "/exit" Enter
    shows "/exit ends with 0" "rc=0$"

    terminal "$QW chat"
    shows "the prompt, once more" "^> *$"
    keys "half a line" C-c
    shows "Ctrl-C at the prompt clears the line" "Ctrl-C again or Ctrl-D leaves"
    keys "/help" Enter
    shows "a command after Ctrl-C" "forget the last message"
    shows "the prompt after it" "^> *$"
    keys C-c
    wait_for pressed_again
    keys C-c
    shows "Ctrl-C twice at the prompt ends with 130" "^rc=130$"
}

quantize_on_terminal() {
    terminal "$QW $quantize_wide"
    shows "quantize reports its progress" "^quantising .* s left"
    keys C-c
    shows "Ctrl-C ends quantize with 130, in a clean line" "^rc=130$"
    check "terminal: the bar is gone" "$(screen | grep .)" not on_screen quantising
    check "terminal: no file is left" "$(ls "$d")" not part
    terminal "sh -c 'ulimit -f 20000; $QW $quantize_wide'"
    shows "a failure stands on a line of its own" "^qw: cannot write .*: File too large"
    resize 20 24
    terminal "$QW $quantize_wide"
    shows "a narrow terminal: the progress of quantize" "^quantising  *[1-9]"
    sleep 1
    check "terminal: a narrow one has one such line" "$(screen | grep .)" \
        [ "$(screen | grep -c quantising)" -eq 1 ]
    keys C-c
    shows "a narrow terminal: Ctrl-C" "^rc=130$"
    resize 80 24
}

run_on_terminal() {
    for e in NO_COLOR=1 TERM=dumb "-u TERM" NO_COLOR=; do
        terminal "$e $QW run -p '$question' -s 1"
        shows "$e: an answer" "^rc=0$"
        case $e in
        NO_COLOR=) check "terminal: an empty NO_COLOR: colour" "$(screen -e | cat -v)" is_dim ;;
        *) check "terminal: $e: no colour" "$(screen -e | cat -v)" not is_dim ;;
        esac
    done
    terminal "$QW run -p '$question' -s 1 --color off"
    shows "--color off: an answer" "^rc=0$"
    check "terminal: --color off: no colour" "$(screen -e | cat -v)" not is_dim
    terminal "NO_COLOR=1 $QW run -p '$question' -s 1 --color on"
    shows "--color on: an answer" "^rc=0$"
    check "terminal: --color on wins over NO_COLOR" "$(screen -e | cat -v)" is_dim
    terminal "$QW run $plain -n 2 -p 'Tell me a story.'"
    shows "an answer cut by -n is noted" "cut at 2 tokens"
    terminal "$QW run -p '$question' -s 1 > '$d/out'"
    shows "stdout elsewhere: done" "^rc=0$"
    check "terminal: stdout elsewhere: no thoughts" "$(screen)" not on_screen '2 \+ 3'
    terminal "$QW run"
    shows "run without a prompt does not wait for one" "^rc=2$"
    terminal "$QW | cat"
    shows "no prompt, and stdout is a pipe" "no prompt"
}

if ! command -v tmux > /dev/null; then
    skip "chat on a terminal" "no tmux"
else
    tmux -S "$d/tmux" -f /dev/null new-session -d -x 100 -y 50 "sleep 60"
    chat_on_terminal
    if make_wide; then
        quantize_on_terminal
    else
        skip "quantize on a terminal" "cannot make a sparse file"
    fi
    run_on_terminal
fi
