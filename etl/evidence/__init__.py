"""The evidence for the retention money of one contract: its dossier, and the pack to hand over."""

from etl.evidence.dossier import Dossier, dossier, dossier_then
from etl.evidence.files import Proof, proof
from etl.evidence.pack import write_pack
from etl.evidence.reproduce import Reproduction, reproduce

__all__ = [
    "Dossier",
    "Proof",
    "Reproduction",
    "dossier",
    "dossier_then",
    "proof",
    "reproduce",
    "write_pack",
]
