"""Increments of the Hansen parameters, from Mathieu, ACS Omega 2018, 3, 17049 (doi 10.1021/acsomega.8b02601)."""

#: Atom (element, neighbours, hydrogens, ``a`` for aromatic) -> molar volume and molar refractivity in cm^3/mol.
ATOMS = {
    'B30': (7.61, 2.91),
    'Br10': (27.52, 8.44),
    'C10': (14.68, 2.32),
    'C20': (9.89, 4.01),
    'C21': (22.77, 4.58),
    'C30': (0.0, 3.15),
    'C30a': (0.0, 3.48),
    'C31': (13.23, 4.65),
    'C31a': (13.23, 4.46),
    'C32': (27.17, 5.38),
    'C40': (-8.40, 2.60),
    'C41': (4.46, 3.48),
    'C42': (16.57, 4.60),
    'C43': (29.58, 5.74),
    'Cl10': (24.74, 5.87),
    'F10': (17.63, 1.06),
    'Ge40': (9.36, 8.54),
    'I10': (35.64, 13.75),
    'N10': (14.09, 1.55),
    'N20': (7.42, 2.60),
    'N20a': (7.42, 2.44),
    'N21': (18.14, 3.55),
    'N30': (-3.08, 2.89),
    'N30a': (-3.08, 2.85),
    'N31': (7.74, 3.69),
    'N31a': (7.74, 3.72),
    'N32': (17.81, 4.60),
    'O10': (14.89, 1.84),
    'O20': (6.25, 1.55),
    'O20a': (6.25, 0.71),
    'O21': (11.78, 2.51),
    'P30': (10.42, 7.41),
    'P40': (-1.94, 4.98),
    'P41': (10.06, 5.41),
    'S10': (25.92, 10.60),
    'S20': (14.90, 8.22),
    'S20a': (14.90, 7.05),
    'S21': (26.14, 8.71),
    'S30': (5.58, 7.28),
    'S40': (-3.74, 5.12),
    'Se20': (19.00, 11.53),
    'Se20a': (19.00, 9.43),
    'Si40': (9.28, 6.38),
    'Si41': (23.35, 7.85),
}
#: Ring of that many members -> molar volume in cm^3/mol; other sizes are SMALL_RING and LARGE_RING.
RINGS = {5: 9.41, 6: 6.89}
SMALL_RING, LARGE_RING = 10.89, 3.75
#: Further volume of a ring of aromatic atoms.
AROMATIC_RING = 1.82

#: Dispersion: root of a + (b + c / V) (R / V)^2.
DISPERSION = (93.8, 2016.0, 75044.0)

#: Group -> polar energy in J/mol. ``N(1)`` is nitrogen with one hydrogen, ``C=O`` a double bond.
POLAR = {
    'N(0)': 0.0,
    'F(0)': 0.0,
    'N(1)': 2783.0,
    'N(2)': 8235.0,
    'O(0)': 1603.0,
    'O(1)': 4125.0,
    'Cl(0)': 1637.0,
    'C=O': 7492.0,
    'C#N': 16056.0,
    'acid': -5494.0,
    'amide': 15972.0,
    'carbonate': 19019.0,
    'ester': 3653.0,
    'nitro': 13276.0,
    'O=P': 20310.0,
}
#: Group -> SMARTS, and which of its atoms stands for the group, so that no bond of this atom counts again.
POLAR_PATTERNS = {
    'acid': ('[CX3](=O)[OX2H1]', 1),
    'nitro': ('[#6][$([NX3](=O)=O),$([NX3+](=O)[O-])]', 1),
    'carbonate': ('[OX2;R][CX3;R](=O)[OX2]', 0),
    'ester': ('[OX2][CX3]=O', 1),
    'amide': ('[NX3][CX3](=[OX1])[#6]', 1),
    'sulfone': ('O=S=O', 1),
}

#: Energy of hydrogen bonds in J/mol: of each N (but of nitro groups) and O, each halogen, each hydrogen by its place.
HYDROGEN = {
    'N': 3252.0,
    'O': 1980.0,
    'halogen': 412.0,
    'HC': 24.5,
    'HN': -1576.0,
    'HN amide': 5060.0,
    'H2N': 5484.0,
    'HO': 16945.0,
    'HO acid': 7094.0,
}
