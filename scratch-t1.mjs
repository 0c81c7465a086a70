
import { test, ratio, pd, scalesOf, quant, pre, nh, half, NC, T } from './scratch-lib.mjs';
const sc=scalesOf(ratio,.99), sp=scalesOf(pd,.99);
const n=(f,s)=>(set,c,t)=>f(set,c,t).map((v,h)=>v/s[h]);
const r=n(ratio,sc), p=n(pd,sp);
const max=a=>Math.max(...a), mean=a=>a.reduce((x,y)=>x+y,0)/a.length;
test('base max', (s,c,t)=>max(r(s,c,t)));
test('mean', (s,c,t)=>mean(r(s,c,t)));
test('mean sqrt', (s,c,t)=>mean(r(s,c,t).map(Math.sqrt)));
test('mean log', (s,c,t)=>mean(r(s,c,t).map(Math.log)));
test('both max', (s,c,t)=>max([...r(s,c,t),...p(s,c,t)]));
test('both mean', (s,c,t)=>mean([...r(s,c,t),...p(s,c,t)]));
test('both mean sqrt', (s,c,t)=>mean([...r(s,c,t),...p(s,c,t)].map(Math.sqrt)));
for (const w of [2,3]) { const g=t=>nh(t)*10+Math.min(w,t-3);
 const win=(f)=>(s,c,t)=>{let q=0; for(let k=Math.max(4,t-w+1);k<=t;k++) q+=f(s,c,k); return q;};
 test(`win ${w} max`, win((s,c,t)=>max(r(s,c,t))), g);
 test(`win ${w} mean`, win((s,c,t)=>mean(r(s,c,t))), g);
 test(`win ${w} mean sqrt`, win((s,c,t)=>mean(r(s,c,t).map(Math.sqrt))), g);
 test(`win ${w} both sqrt`, win((s,c,t)=>mean([...r(s,c,t),...p(s,c,t)].map(Math.sqrt))), g);
}
// Mondrian: quantile by bin of E
function mondrian(num, q, bins) { const by=[0,1,2,3].map(()=>[]); for(let c=0;c<NC;c++) if(half(c)===0) for(let t=4;t<T;t++) for(let h=0;h<nh(t);h++){const i=(c*T+t)*4+h; by[h].push([Math.log(pre.ord.E[i]), num('ord',c,t)[h]]);}
 const tables=by.map(l=>{l.sort((a,b)=>a[0]-b[0]); const out=[]; const n=l.length; for(let b=0;b<bins;b++){const part=l.slice(Math.floor(b*n/bins),Math.floor((b+1)*n/bins)); out.push([part.at(-1)[0], quant(part.map(x=>x[1]),q)]);} return out;});
 if (bins===8) console.log(tables.map(t=>t.map(x=>x[1].toFixed(1)).join(' ')).join(' | '));
 return (s,c,t)=>num(s,c,t).map((v,h)=>{const e=Math.log(pre[s].E[(c*T+t)*4+h]); const row=tables[h].find(x=>e<=x[0])??tables[h].at(-1); return v/row[1];}); }
for (const [q,b] of [[.99,8],[.99,16],[.995,8],[.998,6]]) { const m=mondrian(ratio,q,b), mp=mondrian(pd,q,b);
 test(`mondrian max ${q} ${b}`, (s,c,t)=>max(m(s,c,t))); test(`mondrian mean ${q} ${b}`, (s,c,t)=>mean(m(s,c,t))); test(`mondrian pd max ${q} ${b}`, (s,c,t)=>max(mp(s,c,t))); test(`mondrian both mean ${q} ${b}`, (s,c,t)=>mean([...m(s,c,t),...mp(s,c,t)])); }
