/* Folders of files that a manifest seals: checkpoints and model packages. Whoever writes one puts
 * its files into a folder under another name, then the manifest, then gives the folder its name. */
#pragma once

#include "checkpoints/manifest.h"
#include "nn/params.h"

/* DIR/NAME, a safetensors file of a registry with n pairs of metadata; noted in m. ERR_IO. */
int sealed_put_weights(const char *dir, const char *name, const struct params *p,
                       const char *const (*meta)[2], size_t n, struct manifest *m);
/* The same of bytes. */
int sealed_put(const char *dir, const char *name, const void *data, size_t n, struct manifest *m);
int sealed_close(const char *dir, const struct manifest *m); /* writes the manifest */

/* Compares every byte of the files in the manifest. Of what is in the folder besides nothing is
 * looked at. In a package a link is damage. ERR_DATA names the file, and the tensor where there is
 * one. */
int sealed_verify(const char *dir, const struct manifest *m);
