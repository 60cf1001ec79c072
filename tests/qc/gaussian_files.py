"""Short outputs of Gaussian, written for these tests in the program's public print format."""

_HEAD = """ Entering Gaussian System, Link 0=g16
 Initial command:
 /opt/g16/l1.exe "/scratch/Gau-1.inp" -scrdir="/scratch/"
 ******************************************
 Gaussian {version}
 ******************************************
 %nprocshared=4
 Will use up to    4 processors via shared memory.
 ----------------------------------------------------------------------
 {route}
 ----------------------------------------------------------------------
 Charge =  {charge} Multiplicity = {multiplicity}
 O                     0.        0.        0.11779
"""
_ORIENTATION = """                          Input orientation:                          
 ---------------------------------------------------------------------
 Center     Atomic      Atomic             Coordinates (Angstroms)
 Number     Number       Type             X           Y           Z
 ---------------------------------------------------------------------
      1          8           0        0.000000    0.000000    {z:.6f}
      2          1           0        0.000000    0.755453   -0.471161
      3          1           0        0.000000   -0.755453   -0.471161
 ---------------------------------------------------------------------
"""  # noqa: W291
_SCF = """    24 basis functions,    44 primitive gaussians,    25 cartesian basis functions
     5 alpha electrons        5 beta electrons
       nuclear repulsion energy         9.1882584177 Hartrees.
 R6Disp:  Grimme-D3(BJ) Dispersion energy=       -0.0000124000 Hartrees.
 SCF Done:  E({spin}B3LYP) =  {energy}     A.U. after   10 cycles
            NFock= 10  Conv=0.36D-08     -V/T= 2.0069
"""
_POPULATION = """
            Population analysis using the SCF Density.

 Alpha  occ. eigenvalues --  -19.13801  -0.99737  -0.53150  -0.37096-100.29129
 Alpha virt. eigenvalues --    0.06535   0.14939
{beta} Dipole moment (field-independent basis, Debye):
    X=              0.0000    Y=              0.0000    Z=             -2.0438  Tot=              2.0438
"""
_BETA = """  Beta  occ. eigenvalues --  -19.10000  -0.90000  -0.50000  -0.30000
  Beta virt. eigenvalues --   -0.20000   0.06535   0.14939
"""
_FORCES = """ Center     Atomic                   Forces (Hartrees/Bohr)
 Number     Number              X              Y              Z
 -------------------------------------------------------------------
      1        8           0.000000000    0.000000000   -0.061000000
      2        1           0.000000000    0.024000000    0.030500000
      3        1           0.000000000   -0.024000000    0.030500000
 -------------------------------------------------------------------
"""
_FREQUENCIES = """ Harmonic frequencies (cm**-1), IR intensities (KM/Mole), Raman scattering
                      1                      2                      3
                     A1                     A1                     B2
 Frequencies --   {first}              3700.5000              3800.2500
 Red. masses --      1.0825                 1.0453                 1.0810
 Frc consts  --      1.6000                 8.4000                 9.1000
 IR Inten    --     60.0000                 1.5000                20.0000
  Atom  AN      X      Y      Z        X      Y      Z        X      Y      Z
     1   8     0.00   0.00   0.07     0.00   0.00   0.05     0.00   0.07   0.00
     2   1     0.00  -0.43  -0.56     0.00   0.58  -0.40     0.00  -0.55   0.44
     3   1     0.00   0.43  -0.56     0.00  -0.58  -0.40     0.00  -0.55  -0.44
"""
_END = """ Job cpu time:       0 days  0 hours  0 minutes 12.3 seconds.
 Elapsed time:       0 days  0 hours  1 minutes  3.5 seconds.
 Normal termination of Gaussian 16 at Sun Jan  1 00:00:00 2023.
"""
STATIONARY = ' Optimization completed.\n    -- Stationary point found.\n'
STOPPED = (
    ' Optimization stopped.\n    -- Number of steps exceeded,  NStep=   2\n    -- Flag reset to prevent archiving.\n'
)
POLARIZABILITY = ' Exact polarizability:   2.866   0.000   6.712   0.000   0.000   5.013\n'
SOLVENT = (
    ' Polarizable Continuum Model (PCM)\n Model                : C-PCM.\n'
    ' Solvent              : Generic, Eps=   3.500000 Eps(inf)=   2.000000\n'
)


def short_gaussian(
    *,
    route='#P RB3LYP/Def2SVP 5D 7F NoSymm SCF=(Tight)',
    charge=0,
    multiplicity=1,
    steps=('-76.358',),
    moves=False,
    forces=False,
    first_frequency=None,
    middle='',
    end=_END,
    version='16:  ES64L-G16RevC.01  3-Jul-2019',
):
    """Return the output of a water molecule.

    :param steps: energies; more than one, or ``moves``, makes it an optimisation.
    :param middle: text in front of the end.
    """
    spin = 'U' if multiplicity > 1 else 'R'
    parts = [_HEAD.format(version=version, route=route, charge=charge, multiplicity=multiplicity)]
    if moves or len(steps) > 1:
        parts.append(' GradGradGradGradGradGradGradGradGrad\n Berny optimization.\n')
    for number, energy in enumerate(steps, start=1):
        parts.append(_ORIENTATION.format(z=0.117 + 0.001 * number))
        parts.append(_SCF.format(spin=spin, energy=energy))
    if multiplicity > 1:
        parts.append(' <Sx>= 0.0000 <Sy>= 0.0000 <Sz>= 0.5000 <S**2>= 0.7538 S= 0.5019\n')
    parts.append(_POPULATION.format(beta=_BETA if multiplicity > 1 else ''))
    parts.append(_FORCES if forces else '')
    parts.append(_FREQUENCIES.format(first=first_frequency) if first_frequency else '')
    return ''.join([*parts, middle, end])
