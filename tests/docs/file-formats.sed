s/FOLDER/clip-folder/
