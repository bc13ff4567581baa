/* Sizes, signatures and fields of the records of a ZIP archive (APPNOTE 4.3). Inside its reader and
 * writer. */
#pragma once

enum {
    LOCAL = 30, /* bytes, as are the next four */
    CENTRAL = 46,
    END = 22,
    END64 = 56,
    LOCATOR = 20,
    SIG_LOCAL = 0x04034b50,
    SIG_CENTRAL = 0x02014b50,
    SIG_END = 0x06054b50,
    SIG_END64 = 0x06064b50,
    SIG_LOCATOR = 0x07064b50,
    SIG_DESCRIPTOR = 0x08074b50,
    EXTRA_ZIP64 = 1,
};
