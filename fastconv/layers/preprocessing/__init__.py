"""Layers that prepare images, or vary them in training, before the first weights.

    Layer
    |- ImageLayer           CenterCrop, Resizing: the same in training and out of it
    |  `- RandomImageLayer  active in training only
    `- Normalization        mean and variance of the data

Images are float32, 3-D or 4-D; a dict {"images": ..., "labels": ..., "segmentation_masks": ...} is
taken too, and what changes the images changes the rest accordingly.
"""
