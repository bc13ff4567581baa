s|^\./ovseg serve mpt.ovseg|serve_in_background mpt.ovseg|
s|http://127.0.0.1:8000/|$(cat url)|
# There is no other machine.
s/^ssh .*//
