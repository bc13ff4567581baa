# A set is named without a pattern.
s|runs/scenes-\.\.\.|$scenes|g
s|runs/scenes-\[0-9a-f\]\*|$scenes|g
s|PREFIX|"$world"/prefix|g
s|build/release|"$build"|
s/\bDIR/classes/
s|\bRUN\b|$run|
s/\bPICTURE$/photos\/images\/000000000000.png/
# The smoke chain comes from drawn scenes alone.
s/'prepare.\*=CC BY 4.0' --licence 'clip.file=MIT'/'scenes=CC BY 4.0'/
