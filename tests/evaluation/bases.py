"""Tiny random bases and made-up conversations for this room's tests, and a stand-in that answers from a script."""

import json
from collections.abc import Callable

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
    Qwen3Config,
    Qwen3ForCausalLM,
)

from dialoop.conversation import Conversation, FunctionCall, Message, ToolCall
from dialoop.model import Base, Head, packaged_template, parse_answer, render

SMALL = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
GROUPED = {**SMALL, "num_key_value_heads": 2, "head_dim": 8, "max_position_embeddings": 2048}


def letters() -> PreTrainedTokenizerFast:
    """A tokenizer of the 256 bytes and ChatML's control tokens."""
    vocab = {letter: i for i, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
    made = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(
        [AddedToken(t, special=True, normalized=False) for t in ("<|pad|>", "<|im_start|>", "<|im_end|>")]
    )
    words = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<|im_end|>", pad_token="<|pad|>")
    words.chat_template = packaged_template("chatml").text
    return words


def tiny_base(kind: str = "llama", *, window: int = 2048, seed: int = 0) -> Base:
    words = letters()
    torch.manual_seed(seed)
    model = {
        "llama": lambda: LlamaForCausalLM(LlamaConfig(vocab_size=len(words), **GROUPED)),
        "qwen3": lambda: Qwen3ForCausalLM(Qwen3Config(vocab_size=len(words), **GROUPED)),
        "gpt2": lambda: GPT2LMHeadModel(
            GPT2Config(vocab_size=len(words), n_embd=32, n_layer=2, n_head=4, n_positions=2048)
        ),
    }[kind]()
    return Base(
        model=model.eval(),
        tokenizer=words,
        name=f"tiny-{kind}-{seed}",
        path=None,
        window=window,
        eos_ids=(words.convert_tokens_to_ids("<|im_end|>"),),
        fingerprint="0" * 64,
        head=Head(),
    )


def tiny_classifier(labels: tuple[str, ...], *, multi_label: bool = False, window: int = 64) -> Base:
    words = letters()
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        **SMALL,
        num_labels=len(labels),
        max_position_embeddings=64,
        pad_token_id=words.pad_token_id,
    )
    return Base(
        model=BertForSequenceClassification(config).eval(),
        tokenizer=words,
        name="tiny-bert",
        path=None,
        window=window,
        eos_ids=(),
        fingerprint="0" * 64,
        head=Head(kind="classify", labels=labels, multi_label=multi_label),
    )


def tool(name: str, *parameters: str) -> dict:
    properties = {parameter: {"type": "string"} for parameter in parameters}
    return {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": properties}}}


def call(name: str, **arguments: object) -> ToolCall:
    return ToolCall(id="call_1", function=FunctionCall(name=name, arguments=json.dumps(arguments, ensure_ascii=False)))


def said(text: str, **more: object) -> Message:
    return Message(role="assistant", content=text, **more)


def asked(text: str) -> Message:
    return Message(role="user", content=text)


def booking(number: int, *, lang: str = "en", name: str = "book_room") -> Conversation:
    """A conversation with a text turn, a call turn and a closing text turn."""
    city, hello, done = ("上海", "您好，请问您要去哪个城市？", f"订好了，房号是{number}。")
    question, answer = "我想订一个房间", f"去{city}，住{number}晚"
    if lang == "en":
        city, hello, done = "York", "Hello! Which city are you going to?", f"Booked: your room is number {number}."
        question, answer = "I need a room", f"To York, {number} nights"
    return Conversation(
        id=f"{lang}-{number}",
        lang=lang,
        tools=[tool(name, "city", "nights")],
        messages=[
            Message(role="system", content="You book rooms."),
            asked(question),
            said(hello),
            asked(answer),
            Message(role="assistant", tool_calls=[call(name, city=city, nights=str(number))]),
            Message(role="tool", tool_call_id="call_1", content=f'{{"room": {number}}}'),
            said(done),
        ],
    )


def true_ids(base: Base, conversation: Conversation, index: int) -> list[int]:
    """The ids of the true answer at a turn, without its stop token."""
    before = render(conversation.messages[:index], conversation.tools, base.tokenizer, add_generation_prompt=True)
    whole = render(conversation.messages[: index + 1], conversation.tools, base.tokenizer)
    answer = whole[len(before) :].split("<|im_end|>")[0]
    assert parse_answer(answer) is not None
    return base.tokenizer(answer, add_special_tokens=False)["input_ids"]


def scripted(answers: list[list[int]]) -> Callable[..., list[list[int]]]:
    """In place of `generate_greedy`: the answers in order, cut at `max_new_tokens`."""
    left = iter(answers)

    def generate(
        _base: Base, prompts: list[list[int]], max_new_tokens: int, _batch_size: int, _guides: object = None
    ) -> list[list[int]]:
        return [next(left)[:max_new_tokens] for _ in prompts]

    return generate
