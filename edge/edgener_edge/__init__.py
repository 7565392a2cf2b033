"""One command on a PC builds the file that is copied to a small machine, and proves under QEMU that it runs there."""
