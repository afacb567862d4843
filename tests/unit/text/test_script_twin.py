"""The script of a text against the readable twin."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.corpus import SCRIPTS, standard_library

import tokenfoundry as tf
from tokenfoundry.reference import script as reference

# Characters on which Python's Unicode and every later one agree.
ASSIGNED = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cn")), max_size=30)
MIXED = st.text(alphabet="aBвДαا中国かカ한글शक 1.é", max_size=12)


@given(st.lists(ASSIGNED | MIXED, max_size=6))
@settings(max_examples=250, deadline=None)
def test_equals_the_twin(texts: list[str]) -> None:
    assert tf.text.label(texts).column("script").to_pylist() == [reference.script(text) for text in texts]


def test_equals_the_twin_on_real_text() -> None:
    texts = [*SCRIPTS, *standard_library(200_000)]
    found = tf.text.label(texts).column("script").to_pylist()
    assert found == [reference.script(text) for text in texts]
    assert len(set(found)) > 20
