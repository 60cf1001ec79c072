"""Groups that keep a molecule from being made, stored or processed, as SMARTS.

A short list for semiconductors, after those that screening collections are cleaned with (Hann et al. 1999,
doi 10.1021/ci990423o; Brenk et al. 2008, doi 10.1002/cmdc.200700139). What serves in organic electronics stays allowed
though such collections refuse it: nitro groups, dicyanomethylene groups, quinones, anhydrides, aldehydes, disulfide
bridges in rings, boron difluoride complexes, and siloles with hydrogens in place of side chains.
"""

from functools import cache

from rdkit import Chem

GROUPS = {
    'peroxide': '[OX2]-[OX2]',
    'azide': '[N;R0]=[N+]=[N-]',
    'diazo': '[#6]=[N+]=[N-]',
    'diazonium': '[#6]-[N+]#N',
    'three nitrogens in a chain': '[N;R0]-,=[N;R0]-,=[N;R0]',
    'hydrazine': '[NX3;!a;!$(N-C=[O,S,N])]-[NX3;!a;!$(N-C=[O,S,N])]',
    'nitrogen and oxygen chain': '[NX3;+0]-[OX2;R0]',
    'nitrate or nitrite': '[OX2]-[$([N+](=O)[O-]),$(N=O)]',
    'nitroso': '[#6,#7]-[NX2]=O',
    'sulfonyl halide': '[SX3,SX4](=O)-[F,Cl,Br,I]',
    'halogen on a heteroatom': '[N,O,S,P;!$([P,S]~[F])]-[F,Cl,Br,I]',
    'acyl halide': '[CX3](=[O,S])-[F,Cl,Br,I]',
    'alkyl halide': '[CX4;!$(C(F)(F))]-[Cl,Br,I]',
    'halide of silicon, germanium or boron': '[Si,Ge,BX3]-[F,Cl,Br,I]',
    'isocyanate, ketene or carbodiimide': '[N,C;R0]=[C;R0]=[O,S,N]',
    'cumulene of four carbons': 'C=C=C=C',
    'epoxide, aziridine or thiirane': 'C1[O,N,S]C1',
    'acyclic disulfide or sulfenyl': '[SX2;R0]-[SX2,OX2,NX3;R0]',
    'thiol': '[SX2H]',
    'thioaldehyde': '[CX3H]=[SX1]',
    'hydride of silicon, germanium or phosphorus outside rings': '[Si,Ge,P;!H0;R0]',
    'two heteroatoms on one carbon with hydrogen': '[CX4]([OH,SH,NH2])[OH,SH,NH,NH2]',
    'unsubstituted imine': '[CX3]=[NX2H]',
    'chain of more than three triple bonds': 'C#CC#CC#CC#C',
}


def reactive_group(mol: Chem.Mol) -> str | None:
    """Return the name of a reactive group of ``mol``, None when it has none of :data:`GROUPS`."""
    return next((name for name, pattern in _patterns() if mol.HasSubstructMatch(pattern)), None)


@cache
def _patterns() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(text)) for name, text in GROUPS.items())
