# Written by .ci/sources from the tree; run it after adding or removing a file.
python_files = \
    python/README.md \
    python/fpseg/__init__.py \
    python/make_wheel.py
