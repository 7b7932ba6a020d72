"""`keras.preprocessing.text`. The numbers were computed by Keras 2.3.1."""

import pickle

import numpy as np
import pytest

from kerasish.compat import older_text as text
from kerasish.compat.older_text import Tokenizer, tokenizer_from_json

TEXTS = ["The cat sat on the mat.", "A dog, a cat!  the\tend\n", "", "Ünï the cat's"]
NEW = ["the zebra cat a", "sat", "", ["The", "cow"]]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, ["a", "dog", "a", "cat", "the", "end"]),
        ({"lower": False, "split": "o"}, ["A d", "g", " a cat", "  the", "end"]),
        ({"filters": ""}, ["a", "dog,", "a", "cat!", "the\tend\n"]),
        ({"filters": "aA", "split": "--", "lower": False}, [" dog, ", " c", "t!  the\tend\n"]),
    ],
)
def test_words(options, words):
    assert text.text_to_word_sequence(TEXTS[1], **options) == words


def test_numbers_without_a_vocabulary():
    assert text.hashing_trick(TEXTS[0], 10, "md5") == [6, 3, 1, 1, 6, 8]
    assert text.hashing_trick(TEXTS[0], 10, len) == [4, 4, 4, 3, 4, 4]
    assert text.one_hot(TEXTS[0], 10) == text.hashing_trick(TEXTS[0], 10, hash)
    assert text.one_hot(input_text="ab", n=9, analyzer=list) == text.one_hot("a b", 9)


TOKENIZERS = [
    ({}, TEXTS, [[1, 2, 3], [4], [], [1]]),
    ({"num_words": 3}, TEXTS, [[1, 2], [], [], [1]]),
    ({"nb_words": 3}, TEXTS, [[1, 2], [], [], [1]]),
    ({"num_words": 4, "oov_token": "<o>"}, TEXTS, [[2, 1, 3, 1], [1], [], [2, 1]]),
    ({"oov_token": "the"}, TEXTS, [[2, 2, 3, 4], [5], [], [2, 2]]),
    ({"lower": False}, TEXTS, [[1, 2, 9], [4], [], [3]]),
    ({}, [["The", "cat"], ["dog", "The"]], [[1, 2], [], [], [1]]),
    ({"char_level": True}, ["aab", "Ba"], [[1, 2, 1], [], [], []]),
    ({"analyzer": str.split}, ["sat Sat", "cat sat"], [[3], [1], [], []]),
]


@pytest.mark.parametrize(("options", "texts", "sequences"), TOKENIZERS)
def test_texts_to_sequences(options, texts, sequences):
    tokenizer = Tokenizer(**options)
    tokenizer.fit_on_texts(iter(texts))
    new = ["abca", "", "", []] if options.get("char_level") else NEW
    assert tokenizer.texts_to_sequences(new) == sequences
    assert tokenizer.document_count == len(texts)


def test_sequences_to_texts():
    tokenizer = Tokenizer(num_words=4, oov_token="<o>")
    tokenizer.fit_on_texts(TEXTS)
    sequences = [[1, 2, 3, 4, 99], [], [5, 0]]
    assert tokenizer.sequences_to_texts(sequences) == ["<o> the cat <o> <o>", "", "<o> <o>"]
    tokenizer = Tokenizer(num_words=3)
    tokenizer.fit_on_texts(TEXTS)
    assert tokenizer.sequences_to_texts(sequences) == ["the cat", "", ""]


@pytest.mark.parametrize(
    ("mode", "row"),
    [
        ("binary", [0, 1, 1, 1]),
        ("count", [0, 2, 1, 1]),
        ("freq", [0, 0.5, 0.25, 0.25]),
        ("tfidf", [0, 2.725015263724081, 0.6931471805599453, 0.8472978603872034]),
    ],
)
def test_texts_to_matrix(mode, row):
    tokenizer = Tokenizer(num_words=4, oov_token="<o>")
    tokenizer.fit_on_texts([*TEXTS[:3], "Ünï cödé the cat's"])
    found = tokenizer.texts_to_matrix(["", "the zebra cat a"], mode)
    np.testing.assert_allclose(found, [[0, 0, 0, 0], row], rtol=1e-12)


def test_documents_counted_from_sequences():
    tokenizer = Tokenizer(num_words=3)
    tokenizer.fit_on_sequences([[1, 2], [2]])
    found = tokenizer.sequences_to_matrix([[1, 2, 2]], "tfidf")
    np.testing.assert_allclose(found, [[0, 0.6931471805599453, 0.8649029646371624]])


def copied_by_json(tokenizer):
    return tokenizer_from_json(tokenizer.to_json(indent=1))


def copied_by_pickle(tokenizer):
    return pickle.loads(pickle.dumps(tokenizer))


@pytest.mark.parametrize("copied", [copied_by_json, copied_by_pickle])
def test_copies_go_on_where_the_first_stopped(copied):
    tokenizer = Tokenizer(num_words=5, oov_token="?")
    tokenizer.fit_on_texts(TEXTS)
    copy = copied(tokenizer)
    for each in (tokenizer, copy):
        each.fit_on_texts(["another cat, the last"])
    assert copy.get_config() == tokenizer.get_config()
    assert copy.texts_to_sequences(NEW) == tokenizer.texts_to_sequences(NEW)


def test_tokenizer_that_keras_wrote():
    json = (
        '{"class_name": "Tokenizer", "config": {"num_words": 3, "filters": ".", "lower": true, '
        '"split": " ", "char_level": false, "oov_token": null, "document_count": 2, '
        '"word_counts": "{\\"a\\": 2, \\"b\\": 1}", "word_docs": "{\\"a\\": 2, \\"b\\": 1}", '
        '"index_docs": "{\\"1\\": 2, \\"2\\": 1}", "index_word": "{\\"1\\": \\"a\\", \\"2\\": '
        '\\"b\\"}", "word_index": "{\\"a\\": 1, \\"b\\": 2}"}}'
    )
    tokenizer = tokenizer_from_json(json)
    assert tokenizer.to_json() == json
    assert tokenizer.sequences_to_texts(tokenizer.texts_to_sequences(["B a. c"])) == ["b a"]


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (lambda: Tokenizer(num_word=3), TypeError, "Did you mean 'num_words'"),
        (lambda: Tokenizer().texts_to_matrix(["a"]), ValueError, "number of columns"),
        (lambda: Tokenizer(3).texts_to_matrix(["a"], "tfidf"), ValueError, "before tfidf"),
        (lambda: Tokenizer(3).texts_to_matrix(["a"], "sum"), ValueError, "tfidf, not 'sum'"),
        (lambda: Tokenizer(analyzer=list).to_json(), ValueError, "analyzer"),
        (lambda: text.hashing_trick("a", 9, "sha"), ValueError, "'sha'"),
        (lambda: text.hashing_trick("a", 1), ValueError, "at least 2, .* got 1"),
    ],
)
def test_errors(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
