import pytest, collections
from reconciler.simulator.catalogue import KINDS
SKIP={"stall","change","gzip-bomb"}
def short(kind,n): return f"{kind}{'=0' if kind in {'latency','drip'} else ''}@{n}"
@pytest.mark.parametrize("kind",[k for k in KINDS if k not in SKIP])
def test_m(desk, kind):
    desk.console.rehearse()
    desk.run("apply","--auto-approve"); total=desk.console.rehearsal.index
    runs=0; codes=collections.Counter(); bad=[]
    for n in range(1,total+1):
        desk.start_over(); desk.console.rehearse(short(kind,n))
        try: told=desk.run("apply","--auto-approve")
        except AssertionError as e: bad.append((n,"traceback")); continue
        runs+=1; codes[told.code]+=1
        names=[(c.after or c.before) for c in desk.console.changes]
        done={e.get("email") or f"service:{e['name']}" for e in names}
        res=desk.results(); applied={k for k,v in res.items() if v=="applied"}; unk={k for k,v in res.items() if v not in("applied","failed")}
        if not (applied<=done<=applied|unk) or "internal error" in told.err: bad.append((n,told.code,res,sorted(done),told.err[:300]))
    with open("/tmp/matrix.txt","a") as f: f.write(f"{kind:20} runs={runs}/{total} codes={dict(codes)} bad={bad[:3]}\n")
