"""A tokenizer in Python over SentencePiece, of the form that Llama's and its descendants' slow classes have."""

import shutil
from pathlib import Path

import sentencepiece
from transformers import PreTrainedTokenizer


class PiecesTokenizer(PreTrainedTokenizer):
    vocab_files_names = {"vocab_file": "tokenizer.model"}  # noqa: RUF012

    def __init__(self, vocab_file, unk_token="<unk>", bos_token="<s>", eos_token="</s>", add_bos_token=True, **kwargs):
        self.vocab_file = vocab_file
        self.add_bos_token = add_bos_token
        self.sp_model = sentencepiece.SentencePieceProcessor()
        self.sp_model.Load(vocab_file)
        super().__init__(unk_token=unk_token, bos_token=bos_token, eos_token=eos_token, **kwargs)

    def __getstate__(self):
        return {**self.__dict__, "sp_model": self.sp_model.serialized_model_proto()}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.sp_model = sentencepiece.SentencePieceProcessor()
        self.sp_model.LoadFromSerializedProto(state["sp_model"])

    @property
    def vocab_size(self):
        return self.sp_model.get_piece_size()

    def get_vocab(self):
        vocab = {self.sp_model.id_to_piece(number): number for number in range(self.vocab_size)}
        return vocab | self.added_tokens_encoder

    def _tokenize(self, text, **kwargs):
        return self.sp_model.encode(text, out_type=str)

    def _convert_token_to_id(self, token):
        return self.sp_model.piece_to_id(token)

    def _convert_id_to_token(self, index):
        return self.sp_model.IdToPiece(index)

    def convert_tokens_to_string(self, tokens):
        return self.sp_model.decode(tokens)

    def build_inputs_with_special_tokens(self, token_ids_0, token_ids_1=None):
        bos = [self.bos_token_id] if self.add_bos_token else []
        return bos + token_ids_0 + ([] if token_ids_1 is None else bos + token_ids_1)

    def save_vocabulary(self, save_directory, filename_prefix=None):
        path = Path(save_directory) / "tokenizer.model"
        shutil.copyfile(self.vocab_file, path)
        return (str(path),)
