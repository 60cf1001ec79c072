"""Levels of theory as strings ``energy//geometry``; two levels never share a column."""

#: Orbital energies, reorganisation energies and dipole of the batch job's xTB engine (doi 10.1021/acs.jctc.8b01176).
GFN2 = 'GFN2-xTB//GFN2-xTB'

#: Shift that the xtb program subtracts from IPEA1 ionisation energies and electron affinities, in eV.
IPEA1_SHIFT = 4.8455

#: Ionisation energies and electron affinities: IPEA1-xTB (doi 10.1039/C7SC00601B), shift in the name.
IPEA1 = f'IPEA1-xTB[shift={IPEA1_SHIFT}]//GFN2-xTB'

#: Computed from the graph alone (doi 10.1186/1758-2946-1-8).
SA_SCORE = 'Ertl-Schuffenhauer'

#: Level of each column that the xTB engine of the four-point batch job writes.
XTB_LEVELS: dict[str, str] = {
    'homo': GFN2,
    'lumo': GFN2,
    'gap': GFN2,
    'ie_vertical': IPEA1,
    'ie_adiabatic': IPEA1,
    'ea_vertical': IPEA1,
    'ea_adiabatic': IPEA1,
    'lambda_hole': GFN2,
    'lambda_electron': GFN2,
    'dipole': GFN2,
    'polarizability': GFN2,
}
