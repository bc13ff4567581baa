# What stands for names that any page may use.
s/PICTURE\.\.\./photos\/images\/*.png/
s/PHOTOS/photos/
s/\(runs\/[a-z-]*\)-\.\.\./\1-[0-9a-f]*/g
s|/tmp/docs-runs|docs-runs|
