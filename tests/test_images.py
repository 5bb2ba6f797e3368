"""Image files, folders of them, and data sets in parts."""

import io
import pickle
import sys

import numpy as np
import pytest

from fastconv import config, layers, models, ops, utils
from fastconv.utils import images, sequences

Image = pytest.importorskip("PIL.Image")

RNG = np.random.default_rng(0)


def pixels(height=6, width=9, channels=3):
    return RNG.integers(0, 256, (height, width, channels), dtype=np.uint8)


# One image


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_arrays_to_files_and_back(tmp_path, channels):
    x = pixels(channels=channels)
    utils.save_img(tmp_path / "a.png", x, scale=False)
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    memory = io.BytesIO((tmp_path / "a.png").read_bytes())
    for path in (tmp_path / "a.png", str(tmp_path / "a.png"), memory):
        image = utils.load_img(path, color_mode=mode)
        y = utils.img_to_array(image)
        assert y.dtype == np.float32
        np.testing.assert_array_equal(y, x)


def test_colors_are_converted(tmp_path):
    x = pixels()
    utils.save_img(tmp_path / "a.bmp", x, scale=False)
    gray = utils.img_to_array(utils.load_img(tmp_path / "a.bmp", "grayscale"))
    assert gray.shape == (6, 9, 1)
    np.testing.assert_allclose(gray[..., 0], x @ [0.299, 0.587, 0.114], atol=1)
    rgba = utils.img_to_array(utils.load_img(tmp_path / "a.bmp", "rgba"))
    assert (rgba[..., 3] == 255).all()


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos", "box"])
def test_load_img_resizes_as_pillow_does(tmp_path, interpolation):
    x = pixels()
    utils.save_img(tmp_path / "a.png", x, scale=False)
    image = utils.load_img(tmp_path / "a.png", target_size=(4, 3), interpolation=interpolation)
    expected = Image.fromarray(x).resize((3, 4), getattr(Image.Resampling, interpolation.upper()))
    np.testing.assert_array_equal(np.asarray(image), np.asarray(expected))
    kept = utils.load_img(tmp_path / "a.png", target_size=(3, 3), keep_aspect_ratio=True)
    middle = Image.fromarray(np.ascontiguousarray(x[:, 1:7])).resize((3, 3), 0)
    np.testing.assert_array_equal(np.asarray(kept), np.asarray(middle))


def test_array_to_img_stretches_unless_told_not_to():
    x = np.array([[[-1.0], [0.0], [1.0]]])
    assert list(np.asarray(utils.array_to_img(x)).ravel()) == [0, 127, 255]
    assert list(np.asarray(utils.array_to_img(abs(x) * 7, scale=False)).ravel()) == [7, 0, 7]
    assert np.asarray(utils.array_to_img(np.full((2, 2, 1), 5.0))).max() == 0
    assert utils.array_to_img(np.full((2, 2, 1), 1000.0), scale=False).mode == "I"


def test_jpeg_leaves_the_alpha_channel_out(tmp_path):
    with pytest.warns(UserWarning, match="no alpha channel"):
        utils.save_img(tmp_path / "a.jpg", pixels(channels=4), quality=90)
    assert utils.load_img(tmp_path / "a.jpg").size == (9, 6)
    memory = io.BytesIO()
    utils.save_img(memory, pixels(), file_format="PNG")
    assert memory.getvalue().startswith(b"\x89PNG")


def test_wrong_images(tmp_path):
    (tmp_path / "text.png").write_text("no image")
    with pytest.raises(OSError, match="cannot identify"):
        utils.load_img(tmp_path / "text.png")
    with pytest.raises(FileNotFoundError):
        utils.load_img(tmp_path / "missing.png")
    with pytest.raises(TypeError, match="path must be a path or a file object, got int"):
        utils.load_img(3)
    with pytest.raises(ValueError, match='color_mode must be one of "grayscale"'):
        utils.load_img("a.png", color_mode="gray")
    with pytest.raises(ValueError, match='interpolation must be one of "nearest"'):
        utils.load_img("a.png", interpolation="cubic")
    with pytest.raises(ValueError, match="x must be one image with 3 axes"):
        utils.array_to_img(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="1, 3 or 4 channels, got 2"):
        utils.array_to_img(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="2 or 3 axes"):
        utils.img_to_array(np.zeros(3))


def test_without_pillow(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"load_img needs Pillow .*fastconv\[image\]"):
        utils.load_img("a.png")
    with pytest.raises(ImportError, match=r"image_dataset_from_directory needs Pillow"):
        utils.image_dataset_from_directory(tmp_path)


def test_smart_resize_cuts_off_the_sides():
    x = pixels(6, 10).astype(np.float32)
    y = images.smart_resize(x, (3, 3))
    np.testing.assert_array_equal(y, ops.resize(x[None, :, 2:8], (3, 3))[0])
    turned = images.smart_resize(x.transpose(2, 0, 1), (3, 3), data_format="channels_first")
    np.testing.assert_array_equal(turned, y.transpose(2, 0, 1))
    with pytest.raises(ValueError, match="3 or 4 axes"):
        images.smart_resize(x[0], (3, 3))


# Folders


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Three classes of five images each, and some other files."""
    root = tmp_path_factory.mktemp("animals")
    for name in ("dogs", "cats", "birds", ".hidden"):
        (root / name / "more").mkdir(parents=True)
        for i, end in enumerate(["png", "PNG", "bmp", "gif", "png"]):
            path = root / name / ("more" if i == 2 else "") / f"{i}.{end}"
            Image.fromarray(pixels(5 + i, 9 - i)).save(path)
    (root / "cats" / "notes.txt").write_text("no image")
    return root


def everything(dataset):
    parts = list(dataset)
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def read(path, size=(4, 3)):
    with Image.open(path) as image:
        x = np.asarray(image.convert("RGB"), np.float32)
    return ops.resize(x[None], size)[0]


def test_folder_in_order(folder, capsys):
    dataset = utils.image_dataset_from_directory(
        folder, shuffle=False, image_size=(4, 3), batch_size=4
    )
    assert capsys.readouterr().out == "Found 15 files belonging to 3 classes.\n"
    assert dataset.class_names == ["birds", "cats", "dogs"]
    assert [path[len(str(folder)) + 1 :] for path in dataset.file_paths[:5]] == [
        "birds/0.png", "birds/1.PNG", "birds/3.gif", "birds/4.png", "birds/more/2.bmp",
    ]  # fmt: skip
    assert [len(y) for _, y in dataset] == [4, 4, 4, 3] and len(dataset) == 4
    x, y = everything(dataset)
    assert x.shape == (15, 4, 3, 3) and x.dtype == np.float32
    assert y.dtype == np.int32 and list(y) == [0] * 5 + [1] * 5 + [2] * 5
    for path, image in zip(dataset.file_paths, x, strict=True):
        np.testing.assert_array_equal(image, read(path))
    np.testing.assert_array_equal(dataset[-1][1], y[12:])
    with pytest.raises(IndexError, match="there are 4 batches, got index 4"):
        dataset[4]


def test_folder_shuffled_is_repeatable_and_new_in_each_epoch(folder):
    one, two = (
        utils.image_dataset_from_directory(folder, seed=5, image_size=2, verbose=False)
        for _ in range(2)
    )
    assert one.file_paths == two.file_paths
    names = sorted(one.file_paths)
    np.random.RandomState(5).shuffle(names)
    assert set(names) == set(one.file_paths)
    epochs = [[everything(dataset) for _ in range(2)] for dataset in (one, two)]
    for a, b in zip(*epochs, strict=True):
        np.testing.assert_array_equal(a[0], b[0])
    first, second = epochs[0]
    assert not np.array_equal(first[0], second[0])
    assert sorted(first[1]) == sorted(second[1]) == [0] * 5 + [1] * 5 + [2] * 5
    other = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(everything(other)[0], everything(one)[0])


def test_folder_file_order_is_that_of_keras(folder):
    """RandomState(seed).shuffle of the sorted paths, as Keras 3 does it."""
    files = utils.image_dataset_from_directory(folder, shuffle=False, verbose=False).file_paths
    np.random.RandomState(7).shuffle(files)
    dataset = utils.image_dataset_from_directory(folder, seed=7, verbose=False)
    assert dataset.file_paths == files


def test_folder_split(folder, capsys):
    def make(subset, **options):
        return utils.image_dataset_from_directory(
            folder, validation_split=0.3, subset=subset, seed=3, image_size=2, **options
        )

    whole = utils.image_dataset_from_directory(folder, seed=3, verbose=False).file_paths
    left, right = make("training"), make("validation")
    assert "Using 11 files for training.\n" in capsys.readouterr().out
    assert left.file_paths == whole[:11] and right.file_paths == whole[11:]
    both = make("both")
    assert [part.file_paths for part in both] == [whole[:11], whole[11:]]
    np.testing.assert_array_equal(everything(both[1])[0], everything(both[1])[0])
    ordered = make("validation", shuffle=False)
    assert ordered.file_paths == sorted(ordered.file_paths)


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ({"label_mode": "categorical"}, np.eye(3, dtype=np.float32)[[0] * 5 + [1] * 5 + [2] * 5]),
        (
            {"label_mode": "binary", "class_names": ["dogs", "cats"]},
            np.float32([[0]] * 5 + [[1]] * 5),
        ),
        ({"labels": list(range(20))}, np.arange(20, dtype=np.int32)),
    ],
)
def test_folder_labels(folder, options, labels):
    dataset = utils.image_dataset_from_directory(
        folder, shuffle=False, image_size=2, verbose=False, **options
    )
    _, y = everything(dataset)
    assert y.dtype == labels.dtype
    np.testing.assert_array_equal(y, labels)


def test_folder_without_labels_and_without_batches(folder):
    dataset = utils.image_dataset_from_directory(
        folder, labels=None, shuffle=False, image_size=2, verbose=False
    )
    assert dataset.class_names is None
    assert next(iter(dataset)).shape == (20, 2, 2, 3)  # the hidden folder too
    single = utils.image_dataset_from_directory(
        folder, batch_size=None, shuffle=False, image_size=2, color_mode="grayscale", verbose=False
    )
    x, y = single[3]
    assert len(single) == 15 and x.shape == (2, 2, 1) and y == 0


def test_folder_proportions(folder):
    def one(**options):
        dataset = utils.image_dataset_from_directory(
            folder, shuffle=False, image_size=(4, 4), verbose=False, **options
        )
        return dataset[0][0][0], read(dataset.file_paths[0], (5, 9))

    cropped, x = one(crop_to_aspect_ratio=True)
    np.testing.assert_array_equal(cropped, images.smart_resize(x, (4, 4)))
    padded, x = one(pad_to_aspect_ratio=True)  # 5 x 9 becomes 2 x 4
    assert not padded[2:].any()
    np.testing.assert_array_equal(padded[:2], ops.resize(x[None], (2, 4))[0])


def test_folder_is_the_same_for_any_number_of_threads(folder):
    before = config.get_num_threads()
    try:
        answers = []
        for threads in (1, 2):
            config.set_num_threads(threads)
            dataset = utils.image_dataset_from_directory(
                folder, seed=1, image_size=8, verbose=False
            )
            answers.append(everything(dataset))
    finally:
        config.set_num_threads(before)
    for a, b in zip(*answers, strict=True):
        np.testing.assert_array_equal(a, b)


def test_folder_trains_a_model(folder):
    dataset = utils.image_dataset_from_directory(
        folder, image_size=4, batch_size=4, seed=1, verbose=False
    )
    model = models.Sequential(
        [
            layers.Input((4, 4, 3)),
            layers.RandomFlip("horizontal", seed=1),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy")
    history = model.fit(dataset, epochs=2, verbose=0, validation_data=dataset)
    assert len(history.history["loss"]) == 2
    assert model.predict(dataset, verbose=0).shape == (15, 3)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"label_mode": "onehot"}, ValueError, 'label_mode must be one of "int"'),
        ({"label_mode": "binary"}, ValueError, "needs 2 classes, got 3"),
        ({"labels": "infer"}, ValueError, 'Did you mean "inferred"'),
        ({"labels": [1, 2]}, ValueError, "one label for each of 20 files .*got 2"),
        ({"labels": 3}, TypeError, "labels must be .*got int"),
        ({"labels": None, "class_names": ["cats"]}, ValueError, "class_names can only be given"),
        ({"class_names": ["cat"]}, ValueError, r"got \['cat'\]; there are \['birds'"),
        ({"color_mode": "bgr"}, ValueError, "color_mode must be one of"),
        ({"image_size": (1, 2, 3)}, ValueError, "image_size must be an integer or 2"),
        ({"image_size": 0}, ValueError, "image_size must be at least 1"),
        ({"batch_size": 0}, ValueError, "batch_size must be at least 1"),
        ({"interpolation": "area"}, ValueError, "interpolation must be one of"),
        ({"validation_split": 0.2}, ValueError, "must be given together"),
        ({"subset": "training"}, ValueError, "must be given together"),
        ({"validation_split": 2, "subset": "training"}, ValueError, "between 0 and 1, got 2"),
        ({"validation_split": 0.2, "subset": "test", "seed": 1}, ValueError, "subset must be"),
        ({"validation_split": 0.2, "subset": "training"}, ValueError, "needs a seed"),
        ({"validation_split": 0.01, "subset": "both", "seed": 1}, ValueError, "for validation"),
        ({"crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True}, ValueError, "only one of"),
    ],
)
def test_folder_wrong_arguments(folder, options, error, message):
    with pytest.raises(error, match=message):
        utils.image_dataset_from_directory(folder, **options)


def test_folder_wrong_files(tmp_path):
    with pytest.raises(FileNotFoundError):
        utils.image_dataset_from_directory(tmp_path / "missing")
    (tmp_path / "cats").mkdir()
    with pytest.raises(ValueError, match=r"no images found in .*\.bmp, \.gif"):
        utils.image_dataset_from_directory(tmp_path)
    (tmp_path / "cats" / "a.png").write_text("broken")
    dataset = utils.image_dataset_from_directory(tmp_path, verbose=False)
    with pytest.raises(OSError, match=r"a\.png cannot be read as an image"):
        dataset[0]


# split_dataset


def test_split_dataset():
    x, y = np.arange(20).reshape(10, 2), list(range(10))
    (x1, y1), (x2, y2) = utils.split_dataset((x, y), left_size=0.8)
    assert (len(x1), len(y1), len(x2), len(y2)) == (8, 8, 2, 2)
    np.testing.assert_array_equal(np.concatenate([x1, x2]), x)
    left, right = utils.split_dataset({"a": x}, right_size=3)
    assert (len(left["a"]), len(right["a"])) == (7, 3)
    one, two = utils.split_dataset(x, 3, 4, shuffle=True, seed=1)
    assert len(one) == 3 and len(two) == 4 and not np.array_equal(one, x[:3])
    again, _ = utils.split_dataset(x, 3, 4, shuffle=True, seed=1)
    np.testing.assert_array_equal(one, again)
    assert not {*one[:, 0]} & {*two[:, 0]}


def test_split_dataset_of_batches(folder):
    dataset = utils.image_dataset_from_directory(
        folder, shuffle=False, image_size=2, batch_size=4, verbose=False
    )
    left, right = utils.split_dataset(dataset, left_size=3)
    assert len(left) == 3 and len(right) == 1
    np.testing.assert_array_equal(right[0][1], dataset[3][1])


@pytest.mark.parametrize(
    ("data", "sizes", "error", "message"),
    [
        (np.arange(4), {}, ValueError, "left_size or right_size must be given"),
        (np.arange(4), {"left_size": 4}, ValueError, "cannot be split into 4 and 0"),
        (np.arange(4), {"left_size": 3, "right_size": 2}, ValueError, "into 3 and 2"),
        (np.arange(4), {"left_size": 1.5}, ValueError, "a fraction between 0 and 1, got 1.5"),
        (np.arange(4), {"left_size": "2"}, TypeError, "left_size must be an integer"),
        (np.arange(4), {"right_size": 0}, ValueError, "right_size must be at least 1"),
        ((np.arange(4), np.arange(3)), {"left_size": 1}, ValueError, "the same length"),
        (3, {"left_size": 1}, TypeError, "dataset must be an array"),
    ],
)
def test_split_dataset_wrong(data, sizes, error, message):
    with pytest.raises(error, match=message):
        utils.split_dataset(data, **sizes)


# pad_sequences


def test_pad_sequences():
    pad = utils.pad_sequences
    assert pad is sequences.pad_sequences
    rows = [[1], [2, 3], [4, 5, 6], []]
    assert pad(rows).tolist() == [[0, 0, 1], [0, 2, 3], [4, 5, 6], [0, 0, 0]]
    assert pad(rows).dtype == np.int32
    assert pad(rows, 2).tolist() == [[0, 1], [2, 3], [5, 6], [0, 0]]
    assert pad(rows, 2, truncating="post").tolist() == [[0, 1], [2, 3], [4, 5], [0, 0]]
    assert pad(rows, 4, "float32", "post", value=-1).tolist()[1] == [2, 3, -1, -1]
    assert pad([np.ones((2, 3)), np.ones((1, 3))]).shape == (2, 2, 3)
    assert pad(rows, 0).shape == (4, 0)
    with pytest.raises(ValueError, match="list of sequences"):
        pad([1, 2])
    with pytest.raises(ValueError, match="the same shape"):
        pad([np.ones((2, 3)), np.ones((1, 4))])
    with pytest.raises(ValueError, match='padding must be one of "pre", "post"'):
        pad(rows, padding="left")
    with pytest.raises(ValueError, match="dtype must be object"):
        pad(rows, value="a")
