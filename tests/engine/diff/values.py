"""Hostile JSON values, as a strategy: what Kubernetes objects look like, and what they should not."""

from __future__ import annotations

from hypothesis import strategies as st

keys = st.one_of(
    st.sampled_from(
        ["a", "name", "ports", "spec", "env", "labels", "annotations", "containers", "", "a.b", 'x"y', "y"]
    ),
    st.sampled_from(["a[0]", "[0]", "checksum/config", "0", "a\nb", "key", "conditions", "(everything)", "null", "<<"]),
    st.text(max_size=4),
)
names = st.sampled_from(["app", "b", 1, "1", True, 1.0, None, 8080, "a b", "x/y", "[0]", 2**60])
scalars = st.one_of(
    names,
    st.sampled_from([0, 0.0, -0.0, False, "", "true", "line\nline\n", "# x", "|", 1e300]),
    st.text(max_size=4),
)
items = st.fixed_dictionaries(
    {},
    optional={
        "name": names,
        "containerPort": st.sampled_from([80, 81, "80", None]),
        "protocol": st.sampled_from(["TCP", "UDP"]),
        "value": scalars,
    },
)
named_items = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5).map(
    lambda chosen: [{"name": name, "value": number} for number, name in enumerate(chosen)]
)


def _within(inner: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(
        st.lists(inner, max_size=4),
        st.lists(items, max_size=4),
        st.lists(st.tuples(st.sampled_from("abcd"), inner), unique_by=lambda pair: pair[0], max_size=4).map(
            lambda pairs: [{"name": name, "inner": value} for name, value in pairs]
        ),
        st.lists(scalars, max_size=5),
        st.dictionaries(keys, inner, max_size=4),
    )


values = st.recursive(st.one_of(scalars, named_items), _within, max_leaves=15)
