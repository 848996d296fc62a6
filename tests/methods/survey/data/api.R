# Writes api.txt, what R's survey 4.1-1 (R 4.2.2) says of the api data: Rscript api.R > api.txt
suppressMessages(library(survey)); options(digits=15)
data(api)
say <- function(name, x) cat(paste0(name, ":"), format(as.numeric(x), digits=15), "\n")
est <- function(name, o) say(name, c(coef(o), SE(o)))
designs <- list(
  srs=svydesign(~1, weights=~pw, fpc=~fpc, data=apisrs), srs0=svydesign(~1, weights=~pw, data=apisrs),
  strat=svydesign(~1, strata=~stype, weights=~pw, fpc=~fpc, data=apistrat),
  strat0=svydesign(~1, strata=~stype, weights=~pw, data=apistrat),
  clus1=svydesign(~dnum, weights=~pw, fpc=~fpc, data=apiclus1), clus10=svydesign(~dnum, weights=~pw, data=apiclus1))
stype <- data.frame(stype=c("E","H","M"), Freq=c(4421,755,1018))
awards <- data.frame(awards=c("No","Yes"), Freq=c(2027,4167))
wide <- data.frame(sch.wide=c("No","Yes"), Freq=c(1072,5122))
one <- c(`(Intercept)`=6194, stypeH=755, stypeM=1018)
both <- function(name, d) {
  est(paste(name, "mean"), svymean(~api00+enroll, d))
  est(paste(name, "total"), svytotal(~api00+enroll, d))
  est(paste(name, "ratio"), svyratio(~api.stu, ~enroll, d))
  est(paste(name, "by awards"), svyby(~api00, ~awards, d, svymean))
  est(paste(name, "by stype"), svyby(~api00, ~stype, d, svymean))
  say(paste(name, "deff"), deff(svymean(~api00+enroll, d, deff=TRUE)))
}
for (k in names(designs)) {
  d <- designs[[k]]
  both(k, d)
  est(paste(k, "share"), svymean(~awards, d))
  est(paste(k, "total by awards"), svyby(~enroll, ~awards, d, svytotal))
  say(paste(k, "deff replace"), deff(svymean(~api00+enroll, d, deff="replace")))
  say(paste(k, "deff total"), deff(svytotal(~api00+enroll, d, deff=TRUE)))
  say(paste(k, "degf"), degf(d))
  say(paste(k, "limits"), confint(svymean(~api00+enroll, d), df=degf(d)))
  both(paste(k, "poststratified"), postStratify(d, ~awards, awards))
  both(paste(k, "raked"), rake(d, list(~stype,~sch.wide), list(stype,wide), control=list(maxit=200, epsilon=1e-11)))
  calibrated <- function(name, f, totals, ...) {
    g <- calibrate(d, f, totals, epsilon=1e-12, maxit=200, ...)
    both(paste(k, name), g)
    say(paste(k, name, "factors"), c(range(weights(g)/weights(d)), sum((weights(g)/weights(d))^2)))
  }
  calibrated("linear", ~stype+api99, c(one, api99=3914069))
  calibrated("raking", ~stype+api99, c(one, api99=3914069), calfun="raking")
  calibrated("logit", ~stype+api99, c(one, api99=3914069), calfun="logit", bounds=c(0.4,2.5))
  calibrated("linear bounded", ~stype+api99, c(one, api99=3914069), bounds=c(0.6,1.7))
  calibrated("raking bounded", ~stype+api99, c(one, api99=3914069), calfun="raking", bounds=c(0.6,1.7))
  calibrated("raking margins", ~stype+sch.wide, c(one, sch.wideYes=5122), calfun="raking")
  q <- svyquantile(~api00, d, c(.25,.5,.75))
  for (p in c("0.25","0.5","0.75")) say(paste(k, "quantile", p), q[[1]][p, c("quantile","ci.2.5","ci.97.5","se")])
  d <- update(d, high=as.numeric(api00>=700))
  for (m in c("beta","mean")) { o <- svyciprop(~high, d, method=m); say(paste(k, "proportion", m), c(coef(o), confint(o))) }
  est(paste(k, "high"), svymean(~high, d))
}
for (strict in c(FALSE, TRUE)) {
  w <- trimWeights(designs$strat0, upper=43, lower=15.5, strict=strict)
  say(paste("trimmed", strict), sort(unique(weights(w))))
}
